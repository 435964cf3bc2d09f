package yroom

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"tidemark/shared/yjs"
)

// A keeper is a room with its storage. It performs the effects of calls.
type keeper struct {
	*testing.T
	fake
	config Config
	ended  bool // the instance before ended in the room
	room   *Room
}

func newKeeper(t *testing.T, change func(*Config)) *keeper {
	d := &keeper{T: t, fake: fake{meta: Meta{Seeded: true}}, config: DefaultConfig}
	change(&d.config)
	return d
}

// call returns the reply and how many bytes were stored.
func (d *keeper) call(q Request) (p Reply, stored int) {
	d.Helper()
	if d.room == nil {
		s := d.stored()
		s.Ended = d.ended
		d.room = New(d.config, &d.fake, s, nil, scriptStart)
	}
	reply, out, err := d.room.Call(AppendRequest(nil, q), scriptStart)
	if err != nil {
		d.Fatal(err)
	}
	for _, w := range out.Store {
		d.write(w)
		if w.Row != nil {
			stored += len(w.Row.Bytes)
		}
		if w.Part != nil {
			stored += len(w.Part.Bytes)
		}
	}
	if p, err = DecodeReply(reply); err != nil {
		d.Fatal(err)
	}
	return p, stored
}

func (d *keeper) must(q Request) (p Reply, stored int) {
	d.Helper()
	p, stored = d.call(q)
	if p.Status != StatusOK {
		d.Fatalf("op %d: status %d, %s", q.Op, p.Status, p.Body)
	}
	return p, stored
}

func (d *keeper) json() string {
	d.Helper()
	p, _ := d.must(Request{Op: OpJSON})
	return string(p.Body)
}

func TestARestoreWritesWhatDiffers(t *testing.T) {
	d := newKeeper(t, func(*Config) {})
	a := &author{id: 1<<53 - 1} // no id is above it
	d.must(Request{Op: OpMerge, Data: a.typing(strings.Repeat("text ", 200_000))})
	d.must(Request{Op: OpMerge, Data: a.setting(1)})
	version, _ := d.must(Request{Op: OpState})
	version.Body = bytes.Clone(version.Body)
	want := d.json()
	client := uint64(100)
	restore := func(most int) {
		t.Helper()
		client++
		_, stored := d.must(Request{Op: OpRestore, Version: client, Data: version.Body})
		if stored > most {
			t.Errorf("a restore stored %d bytes, want at most %d", stored, most)
		}
		if got := d.json(); got != want {
			t.Errorf("got %.100s, want %.100s", got, want)
		}
	}
	restore(0)
	for n := range uint64(4) {
		d.must(Request{Op: OpMerge, Data: a.setting(2 + n)})
		d.must(Request{Op: OpMerge, Data: a.typing("more")})
		d.must(Request{Op: OpMerge, Data: a.deleting(yjs.ClockRange{Client: a.id, From: 1000 * n, To: 1000*n + 10})})
		restore(100)
		restore(0)
	}
	if p, _ := d.must(Request{Op: OpState}); len(p.Body) > len(version.Body)+1000 {
		t.Errorf("the document has %d bytes after four restores, its version %d", len(p.Body), len(version.Body))
	}
}

// If an instance ends after it has stored a restore, and before it replies, the host
// sends the request again. The document is then only merged.
func TestARestoreIsDoneOnce(t *testing.T) {
	for name, c := range map[string]struct {
		integrate int
		author    uint64
	}{
		"integrated":               {1 << 20, 1},
		"merged":                   {0, 1},
		"merged, below the author": {0, 1 << 50},
	} {
		t.Run(name, func(t *testing.T) {
			d := newKeeper(t, func(c2 *Config) { c2.IntegrateBytes = c.integrate })
			a := &author{id: c.author}
			d.must(Request{Op: OpMerge, Data: a.typing("version")})
			version, _ := d.must(Request{Op: OpState})
			restore := Request{Op: OpRestore, Version: 1 << 40, Data: bytes.Clone(version.Body)}
			d.must(Request{Op: OpMerge, Data: a.deleting(yjs.ClockRange{Client: a.id, From: 2, To: 4})})
			first, stored := d.must(restore)
			if stored == 0 {
				t.Error("nothing was restored")
			}
			d.room, d.ended = nil, true
			again, stored := d.must(restore)
			if stored != 0 || again.ETag != first.ETag {
				t.Errorf("the same request again stored %d bytes: tag %s, then %s", stored, first.ETag, again.ETag)
			}
		})
	}
}

// The space of the replaced document does not count if the restored document fits.
func TestARestoreFitsWhereItsResultDoes(t *testing.T) {
	d := newKeeper(t, func(c *Config) { c.DocumentBytes, c.ChunkBytes = 2000, 300 })
	a, b := &author{id: 1}, &author{id: 2}
	d.must(Request{Op: OpMerge, Data: a.typing(strings.Repeat("a", 1500))})
	version, _ := d.must(Request{Op: OpState})
	version.Body = bytes.Clone(version.Body)
	want := d.json()
	d.must(Request{Op: OpMerge, Data: a.deleting(yjs.ClockRange{Client: 1, From: 0, To: 1500})})
	d.must(Request{Op: OpMerge, Data: b.typing("bb")})
	d.must(Request{Op: OpRestore, Version: 100, Data: version.Body})
	d.room = nil
	if got := strings.Replace(d.json(), `,"text c":""`, "", 1); got != strings.Replace(want, "}", `,"text c":null}`, 1) {
		t.Errorf("got %.100s, want %.100s", got, want)
	}

	// Another room, with a lower limit: it begins nothing.
	d.config.DocumentBytes = 1000
	d.room = nil
	d.must(Request{Op: OpMerge, Data: a.deleting(yjs.ClockRange{Client: 100, From: 0, To: 1500})})
	before := d.json()
	p, stored := d.call(Request{Op: OpRestore, Version: 101, Data: version.Body})
	if p.Status != StatusFull || stored != 0 || d.json() != before {
		t.Errorf("status %d %s, %d bytes were stored", p.Status, p.Body, stored)
	}
}

func TestARestoreWithoutIdsSaysSo(t *testing.T) {
	d := newKeeper(t, func(c *Config) { c.IntegrateBytes = 0 })
	a := &author{id: 1<<53 - 1}
	d.must(Request{Op: OpMerge, Data: a.typing("version")})
	version, _ := d.must(Request{Op: OpState})
	version.Body = bytes.Clone(version.Body)
	d.must(Request{Op: OpMerge, Data: a.typing("more")})
	p, stored := d.call(Request{Op: OpRestore, Version: 100, Data: version.Body})
	if p.Status != StatusFull || stored != 0 || !strings.Contains(string(p.Body), "only be merged") {
		t.Errorf("status %d %s, %d bytes were stored", p.Status, p.Body, stored)
	}
	if p, _ := d.call(Request{Op: OpRestore, Version: 100, Data: []byte{1}}); p.Status != StatusMalformed {
		t.Errorf("a malformed version: status %d", p.Status)
	}
}

// restore stores the present document as a version, or restores it: for the simulation.
func (w *world) restore() {
	if w.version == nil || w.IntN(3) == 0 {
		w.keepVersion()
	} else {
		w.restoreVersion()
	}
}

func (w *world) keepVersion() {
	if p, ok := w.ask(Request{Op: OpState}); ok && p.Status == StatusOK {
		w.version = bytes.Clone(p.Body)
	}
}

func (w *world) restoreVersion() {
	if w.version == nil {
		return
	}
	w.logf("restore a version")
	before, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	q := Request{Op: OpRestore, Version: 1<<40 + w.Uint64N(1<<40), Data: w.version}
	p, ok := w.ask(q)
	for ; !ok || p.Status == StatusBusy; p, ok = w.ask(q) { // the machine failed, or had no memory
	}
	stored, err := w.disk.state()
	if err != nil {
		w.Errorf("read storage: %v", err)
		return
	}
	if p.Status == StatusFull && w.fills {
		w.taken[restoreRefused]++
		if !bytes.Equal(stored, before) {
			w.Errorf("a refused restore changed the document")
		}
		return
	}
	if p.Status == StatusMalformed && w.config.IntegrateBytes < 4<<20 && incomplete(w.T, w.version) {
		return // a copy of pending structs would wait for ever
	}
	if p.Status != StatusOK {
		w.Errorf("restore: status %d, %s", p.Status, p.Body)
		return
	}
	if got, want := shown(w.T, stored), shown(w.T, w.version); got != want {
		w.Errorf("restored:\n got %s\nwant %s", got, want)
	}
}

// ask sends a request to the room. It returns false if the machine failed before the
// reply.
func (w *world) ask(q Request) (Reply, bool) {
	reply, out, err := w.awake().Call(AppendRequest(nil, q), w.now)
	room := w.room
	if q.Op == OpRestore && err == nil {
		w.followRestore(out)
	}
	w.do(out, err)
	if w.room != room {
		return Reply{}, false
	}
	p, err := DecodeReply(reply)
	if err != nil {
		w.Errorf("reply: %v", err)
	}
	return p, true
}

// shown returns the contents of the roots that authors write to.
func shown(t *testing.T, state []byte) string {
	doc := yjs.New(yjs.Options{})
	if _, err := doc.Apply(state); err != nil {
		t.Errorf("apply %x: %v", state, err)
	}
	b, err := doc.AppendJSON(nil, map[string]yjs.Kind{"map": yjs.Map}, 1<<20)
	if err != nil {
		t.Error(err)
	}
	var roots map[string]any
	if err := json.Unmarshal(b, &roots); err != nil {
		t.Error(err)
	}
	maps.DeleteFunc(roots, func(_ string, v any) bool { // empty ones come and go
		object, ok := v.(map[string]any)
		return v == nil || v == "" || ok && len(object) == 0
	})
	b, err = json.Marshal(roots)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func incomplete(t *testing.T, state []byte) bool {
	doc := yjs.New(yjs.Options{})
	if _, err := doc.Apply(state); err != nil {
		t.Errorf("apply %x: %v", state, err)
	}
	return doc.HasPending()
}
