package yroom

import (
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
)

// compacted compacts the document.
func (d *disk) compacted() {
	d.t.Helper()
	r := d.wake()
	d.now = d.now.Add(maxDelay)
	out, err := r.Alarm(d.now)
	if err != nil || d.meta.Due != 0 && out.Task.Kind != TaskCopy {
		d.t.Fatalf("alarm: task %d, %v", out.Task.Kind, err)
	}
	d.do(out)
}

// The room drops the deleted contents of a document that is too large to be integrated.
// It integrates the document when it is small enough.
func TestDeletedContentOfALargeDocumentGoesAway(t *testing.T) {
	// Each keystroke is a struct of the merged document, until it is gone.
	typist := author{id: 5}
	keystrokes := make([][]byte, 20_000)
	for i := range keystrokes {
		keystrokes[i] = typist.typing("x")
	}
	typed, err := yjs.MergeUpdates(keystrokes...)
	if err != nil {
		t.Fatal(err)
	}
	image := append([]byte{1, 1, 5, 0, 3, 1, 1, 'i'}, lib0.AppendBytes(nil, make([]byte, 600<<10))...)
	for name, c := range map[string]struct {
		updates [][]byte
		gone    []yjs.ClockRange
		most    int
		text    bool // it can be shown then
	}{
		"most of a text":   {[][]byte{(&author{id: 5}).typing(strings.Repeat("x", 600<<10))}, []yjs.ClockRange{{Client: 5, From: 100, To: 600<<10 - 100}}, 300, true},
		"an image":         {[][]byte{append(image, 0)}, []yjs.ClockRange{{Client: 5, From: 0, To: 1}}, 100, true},
		"keystrokes":       {[][]byte{typed}, []yjs.ClockRange{{Client: 5, From: 0, To: 19_990}}, 100, true},
		"what stays apart": {[][]byte{yjstest.Unmerged(5, 10_000)}, []yjs.ClockRange{{Client: 5, From: 0, To: 10_000}}, 51_000, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart, config: DefaultConfig}
			d.config.IntegrateBytes = 500 << 10
			for _, u := range append(c.updates, (&author{id: 9}).typing("kept"), (&author{}).deleting(c.gone[0])) {
				if p, _ := d.call(Request{Op: OpMerge, Data: u}); p.Status != StatusOK {
					t.Fatalf("merge: %d %s", p.Status, p.Body)
				}
			}
			if p, _ := d.call(Request{Op: OpJSON}); p.Status != StatusTooLarge {
				t.Errorf("before: %d", p.Status)
			}
			d.compacted()
			if d.meta.Size > c.most {
				t.Errorf("%d bytes are stored, want at most %d", d.meta.Size, c.most)
			}
			if p, _ := d.call(Request{Op: OpText, Data: []byte("text j")}); (p.Status == StatusOK && string(p.Body) == "kept") != c.text {
				t.Errorf("after: %d %s", p.Status, p.Body)
			}
			whole := yjs.New(yjs.Options{})
			for _, u := range append(c.updates, (&author{id: 9}).typing("kept"), (&author{}).deleting(c.gone[0])) {
				if err := whole.Load(u); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := whole.EncodeStateAsUpdate(nil)
			got, err := d.state()
			if err != nil || string(integratedState(t, got)) != string(want) {
				t.Errorf("the document is another, %v", err)
			}
			if c.text && string(got) != string(want) {
				t.Errorf("stored are %d bytes, yjs has %d", len(got), len(want))
			}
		})
	}
}

// The cost of integration counts, not the length: a long text is one item.
func TestADocumentOfFewItemsIsIntegratedUpToItsLimit(t *testing.T) {
	a := author{id: 9}
	text := strings.Repeat("x", DefaultConfig.DocumentBytes/2-1000)
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
	for range 2 {
		if p, _ := d.call(Request{Op: OpMerge, Data: a.typing(text)}); p.Status != StatusOK {
			t.Fatalf("merge: %d %s", p.Status, p.Body)
		}
	}
	for _, when := range []string{"in the log", "as a snapshot"} {
		if p, _ := d.call(Request{Op: OpText, Data: []byte("text j")}); p.Status != StatusOK || len(p.Body) != 2*len(text) {
			t.Errorf("%s: %d, %d bytes", when, p.Status, len(p.Body))
		}
		d.compacted()
	}
	d.call(Request{Op: OpMerge, Data: a.deleting(yjs.ClockRange{Client: 9, From: 5, To: uint64(2 * len(text))})})
	d.compacted()
	if d.meta.Size > 100 {
		t.Errorf("after all but 5 units are deleted %d bytes are stored", d.meta.Size)
	}
}

// The room tries a document that took too much memory again when most of it is gone.
func TestADocumentThatTookTooMuchIsTriedAgainWhenMostOfItIsGone(t *testing.T) {
	d := &disk{fake: &fake{meta: Meta{Seeded: true}}, t: t, now: scriptStart}
	d.call(Request{Op: OpMerge, Data: yjstest.SplitByRanges(450_000)})
	d.call(Request{Op: OpMerge, Data: (&author{id: 9}).typing("kept")})
	if d.call(Request{Op: OpState}); d.meta.MergeUntil != mergeForEver {
		t.Fatalf("the room remembers %d", d.meta.MergeUntil)
	}
	d.compacted()
	if d.meta.MergeUntil != mergeForEver {
		t.Errorf("half of it is there, and the room remembers %d", d.meta.MergeUntil)
	}
	d.call(Request{Op: OpMerge, Data: (&author{}).deleting(yjs.ClockRange{Client: 1, From: 0, To: 900_000})})
	d.compacted()
	if p, _ := d.call(Request{Op: OpText, Data: []byte("text j")}); p.Status != StatusOK || string(p.Body) != "kept" || d.meta.Size > 100 {
		t.Errorf("as text: %d %s; %d bytes, the room remembers %d", p.Status, p.Body, d.meta.Size, d.meta.MergeUntil)
	}
}
