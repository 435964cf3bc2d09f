package yroom

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"tidemark/shared/yjs"
)

// RFC 9110, 13.1.2: a list of tags, compared weakly, or *.
func TestAnAskerMayHaveOneOfSeveralTags(t *testing.T) {
	disk := &fake{meta: Meta{Seeded: true}}
	disk.write(Write{Row: &Row{N: 1, First: 1, Pieces: 1, Bytes: (&author{id: 1}).typing("a")}})
	r := New(DefaultConfig, disk, disk.stored(), nil, scriptStart)
	for _, c := range []struct {
		tags string
		want Status
	}{
		{``, StatusOK}, {`"0"`, StatusOK}, {`"0", "2"`, StatusOK}, {`"*"`, StatusOK},
		{`"1"`, StatusUnchanged}, {`W/"1"`, StatusUnchanged}, {`"0", W/"1" ,"2"`, StatusUnchanged}, {`*`, StatusUnchanged},
	} {
		p, err := r.call(Request{Op: OpState, ETag: c.tags}, scriptStart)
		if err != nil || p.Status != c.want || p.ETag != "1" {
			t.Errorf("%s: %+v, %v, want status %d", c.tags, p, err, c.want)
		}
	}
}

// A request for JSON sets its greatest length. If the JSON is longer, the reply has the
// limit to try next, until the limit is enough.
func TestJSONIsAsLongAsTheAskerAllows(t *testing.T) {
	k := newKeeper(t, func(*Config) {})
	k.must(Request{Op: OpMerge, Data: (&author{id: 1}).typing(strings.Repeat(`"`, 50_000))}) // twice as long as JSON
	for _, op := range []Op{OpJSON, OpTree} {
		q := Request{Op: op, Version: 51_000}
		asked := 1
		for p, _ := k.call(q); p.Status != StatusOK; p, _ = k.call(q) {
			next, err := strconv.ParseUint(string(p.Body), 10, 64)
			if p.Status != StatusLonger || err != nil || next <= q.Version || asked > 5 {
				t.Fatalf("op %d, up to %d bytes: status %d, %q", op, q.Version, p.Status, p.Body)
			}
			q.Version = next
			asked++
		}
		if q.Version < 100_000 || q.Version > 250_000 {
			t.Errorf("op %d: shown up to %d bytes", op, q.Version)
		}
	}
}

// The room writes a document into the reply itself. So an instance holds one more copy
// while it shows the document, not two.
func TestADocumentIsNotCopiedIntoTheReply(t *testing.T) {
	const size = 4 << 20
	k := newKeeper(t, func(*Config) {})
	k.must(Request{Op: OpMerge, Data: (&author{id: 1}).typing(strings.Repeat("x", size))})
	for _, q := range []Request{{Op: OpState}, {Op: OpJSON}, {Op: OpTree}, {Op: OpText, Data: []byte("text b")}} {
		k.must(q) // reads the document
		before := allocated()
		p, _ := k.must(q)
		if taken := allocated() - before; len(p.Body) < size || taken > size+size/4 {
			t.Errorf("op %d: %d bytes were allocated for %d", q.Op, taken, len(p.Body))
		}
	}
}

func allocated() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.TotalAlloc)
}

// A known update needs no space in the document.
func TestAFullDocumentTakesAnUpdateThatItHolds(t *testing.T) {
	for name, integrateBytes := range map[string]int{"integrated": 4 << 20, "merged": 0} {
		k := newKeeper(t, func(c *Config) { c.DocumentBytes, c.IntegrateBytes = 300, integrateBytes })
		a := &author{id: 1}
		k.must(Request{Op: OpMerge, Data: a.typing(strings.Repeat("x", 100))})
		k.must(Request{Op: OpMerge, Data: a.deleting(yjs.ClockRange{Client: 1, From: 3, To: 5})})
		k.must(Request{Op: OpMerge, Data: a.typing(strings.Repeat("x", 100))})
		state, _ := k.must(Request{Op: OpState})
		known := bytes.Clone(state.Body)
		for _, sleeps := range []bool{false, true} {
			if sleeps {
				k.room = nil
			}
			p, stored := k.call(Request{Op: OpMerge, Data: known})
			if p.Status != StatusOK || p.ETag != state.ETag || stored > 0 {
				t.Errorf("%s, sleeps %v: known: status %d, tag %s, %d bytes stored", name, sleeps, p.Status, p.ETag, stored)
			}
			news := (&author{id: 2}).typing(strings.Repeat("x", 100))
			if p, stored := k.call(Request{Op: OpMerge, Data: news}); p.Status != StatusFull || stored > 0 {
				t.Errorf("%s, sleeps %v: new: status %d, %d bytes stored", name, sleeps, p.Status, stored)
			}
		}
	}
}
