package yjs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/yjs"
)

// After a restore every root is as in the version. A second restore changes nothing, with
// any clients of the first one's content.
func TestRestore(t *testing.T) {
	for _, s := range sessions(t) {
		end, _ := yjs.Compact(s.Updates...)
		for part := range 5 {
			version, err := yjs.Compact(s.Updates[:len(s.Updates)*part/4]...)
			if err != nil {
				t.Fatal(err)
			}
			d := yjs.New(yjs.Options{})
			mustApply(t, d, s.State)
			for n, v := range [][]byte{version, end, version, version} {
				restoreTo(t, d, v, uint64(5000+n))
				if t.Failed() {
					t.Fatalf("seed %d, version %d/4, restore %d", s.Seed, part, n)
				}
			}
		}
	}
}

// restoreTo restores d to the state of a version, twice, and returns the first update.
func restoreTo(t *testing.T, d *yjs.Doc, state []byte, client uint64) []byte {
	t.Helper()
	version := yjs.New(yjs.Options{})
	if len(state) > 0 {
		mustApply(t, version, state)
	}
	update := d.Restore(version, client)
	if update != nil {
		if _, err := yjs.Validate(update, yjs.Limits{}); err != nil {
			t.Fatal(err)
		}
		pending := d.HasPending()
		if event, err := d.Apply(update); err != nil || event == nil || d.HasPending() != pending {
			t.Errorf("update %x: event %x, pending %v, %v", update, event, d.HasPending(), err)
		}
	}
	if diff := cmp.Diff(roots(t, version), roots(t, d)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(shown(t, version), shown(t, d)); diff != "" {
		t.Error(diff)
	}
	if again := d.Restore(version, client+1000); again != nil {
		t.Errorf("a second restore writes %x", again)
	}
	return bytes.Clone(update)
}

// The length of a restore's update depends on the difference, not on the document: if the
// version's items are still there, and if another restore has copied them.
func TestARestoreIsAsLongAsTheDifference(t *testing.T) {
	const n = 2000
	text, paragraphs := &updateWriter{}, &updateWriter{}
	text.uint(1, 1, 1, 0).text(strings.Repeat("Läuft über lange Zeilen 😀, ", n)).uint(0)
	paragraphs.uint(1, 3*n, 1, 0)
	clock := uint64(0)
	for i := range uint64(n) {
		before := clock
		if i == 0 {
			paragraphs.byte(7).uint(1).string("x")
		} else {
			line := uint64(len(fmt.Sprintf("Paragraph %d.", i-1)))
			paragraphs.byte(0x87).uint(1, before-line-2)
		}
		line := fmt.Sprintf("Paragraph %d.", i)
		paragraphs.uint(3).string("p").byte(7).uint(0, 1, clock, 6).byte(4).uint(0, 1, clock+1).string(line)
		clock += 2 + uint64(len(line))
	}
	paragraphs.uint(0)
	for name, version := range map[string][]byte{"text": text.b, "paragraphs": paragraphs.b} {
		d := yjs.New(yjs.Options{})
		mustApply(t, d, version)
		edit := func(client uint64) {
			t.Helper()
			var gone []yjs.ClockRange
			units := d.StateVector().Clock(client)
			for k := range uint64(20) {
				at := units*k/20 + 30
				gone = append(gone, yjs.ClockRange{Client: client, From: at, To: at + 3})
			}
			mustApply(t, d, yjs.DeleteUpdate(gone))
			if got := len(restoreTo(t, d, version, client+1)); got == 0 || got > 2500 {
				t.Errorf("%s of client %d: 20 small differences are restored by %d bytes", name, client, got)
			}
		}
		edit(1)
		mustApply(t, d, yjs.DeleteUpdate([]yjs.ClockRange{{Client: 1, To: d.StateVector().Clock(1)}, {Client: 2, To: d.StateVector().Clock(2)}}))
		if got := restoreTo(t, d, version, 100); len(got) < len(version)/2 {
			t.Errorf("%s: a copy of %d bytes, want about %d", name, len(got), len(version))
		}
		edit(100)
	}
}

// shown returns the tree of the roots that are not empty, formats and attributes included.
func shown(t *testing.T, d *yjs.Doc) map[string]any {
	t.Helper()
	b, err := d.AppendTree(nil, kinds, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(_ string, v any) bool {
		text, _ := json.Marshal(v)
		return slices.Contains([]string{"null", "[]", "{}", `{"children":[]}`}, string(text))
	})
	return all
}
