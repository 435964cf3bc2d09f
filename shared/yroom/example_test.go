package yroom_test

import (
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/yproto"
	"tidemark/shared/yroom"
)

// A memory is the storage of a room, filled by the room's Writes. This one holds only short
// rows.
type memory struct{ rows []yroom.Row }

func (m *memory) Snapshot(int64, int) ([]byte, error) { return nil, nil }
func (m *memory) Log(int64) ([]yroom.Row, error)      { return m.rows, nil }
func (m *memory) Gone() ([]byte, error)               { return nil, nil }

// perform performs effects in the order of the fields: a room's edit is stored before it is sent.
func (m *memory) perform(e yroom.Effects) {
	for _, w := range e.Store {
		if w.Row != nil {
			m.rows = append(m.rows, *w.Row)
			fmt.Println("store row", w.Row.N)
		}
	}
	for _, s := range e.Send {
		message, _, err := yproto.Decode(s.Data)
		if err == nil && message.Kind == yproto.Update {
			fmt.Printf("send an update of %d bytes to all: %v\n", len(message.Payload), s.ToAll())
		}
	}
}

// A client connects and types. The room stores the edit, and sends it to all sockets.
func Example() {
	now := time.Unix(1_700_000_000, 0)
	storage := &memory{}
	r := yroom.New(yroom.DefaultConfig, storage, yroom.Stored{}, nil, now)

	// No database holds a copy of this document.
	effects, err := r.Seeded(nil, 0, nil, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	storage.perform(effects)
	storage.perform(r.Connect(1, yroom.Admission{Write: true}, now))

	// doc.clientID = 1; doc.getText("note").insert(0, "Hello")
	hello := []byte("\x01\x01\x01\x00\x04\x01\x04note\x05Hello\x00")
	effects, err = r.Message(1, abi.KindBinary, yproto.AppendUpdate(nil, hello), now)
	if err != nil {
		fmt.Println(err)
		return
	}
	storage.perform(effects)

	// The Worker reads the document.
	reply, effects, err := r.Call(yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpText, Data: []byte("note")}), now)
	if err != nil {
		fmt.Println(err)
		return
	}
	storage.perform(effects)
	text, err := yroom.DecodeReply(reply)
	fmt.Printf("%s, %v\n", text.Body, err)
	// Output:
	// store row 1
	// send an update of 18 bytes to all: true
	// Hello, <nil>
}
