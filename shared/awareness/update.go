package awareness

import (
	"bytes"
	"fmt"

	"tidemark/shared/lib0"
)

// Entry is what an update says of one client.
type Entry struct {
	Client, Clock uint64
	State         []byte // JSON text; nil or null if the client is gone
}

// Offline tells that the client is gone.
func (e Entry) Offline() bool {
	return e.State == nil || string(bytes.Trim(e.State, " \t\r\n")) == "null"
}

func (e Entry) check() error {
	if e.State == nil {
		return nil
	}
	return lib0.SkipJSON(e.State)
}

// Decode reads an update. What is beyond limits is not in the result: an update that
// is too long is not read, a state that is too long is skipped, and so is what
// follows the last entry that may be. The states of the entries alias the update.
// Clients stand in its order, as often as it names them. Every state is valid UTF-8
// and JSON: a client throws on anything else.
// y-protocols/awareness: varUint n, n × (varUint client, varUint clock, string JSON).
func Decode(update []byte, limits Limits) ([]Entry, error) {
	if len(update) > limits.Bytes {
		return nil, nil
	}
	r := lib0.NewReader(update)
	n, err := r.Count(3)
	if err != nil {
		return nil, fmt.Errorf("decode awareness: %w", err)
	}
	entries := make([]Entry, 0, min(n, uint64(limits.Entries)))
	for i := range n {
		e, err := decodeEntry(&r)
		if err == nil && len(e.State) <= limits.StateBytes && len(entries) < limits.Entries {
			entries = append(entries, e)
			err = e.check()
		}
		if err != nil {
			return nil, fmt.Errorf("decode awareness entry %d: %w", i, err)
		}
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("decode awareness: %w", r.Fail("bytes after the last entry"))
	}
	return entries, nil
}

func decodeEntry(r *lib0.Reader) (e Entry, err error) {
	if e.Client, err = r.Uint(); err != nil {
		return e, err
	}
	if e.Clock, err = r.Uint(); err != nil {
		return e, err
	}
	e.State, err = r.String()
	return e, err
}

// AppendUpdate appends the update that holds entries.
func AppendUpdate(dst []byte, entries ...Entry) []byte {
	dst = lib0.AppendUint(dst, uint64(len(entries)))
	for _, e := range entries {
		dst = lib0.AppendUint(dst, e.Client)
		dst = lib0.AppendUint(dst, e.Clock)
		if e.State == nil {
			dst = lib0.AppendString(dst, "null")
		} else {
			dst = lib0.AppendBytes(dst, e.State)
		}
	}
	return dst
}
