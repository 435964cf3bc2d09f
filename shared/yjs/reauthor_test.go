package yjs_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/yjs"
)

// After everything is deleted, an earlier state by other clients restores the document.
// Its history stays.
func TestReauthoredStateRestores(t *testing.T) {
	restored := 0
	for _, s := range sessions(t) {
		for _, part := range []int{1, 2, 3, 4} {
			version, err := yjs.Compact(s.Updates[:len(s.Updates)*part/4]...)
			if err != nil {
				t.Fatal(err)
			}
			d, want := yjs.New(yjs.Options{}), yjs.New(yjs.Options{})
			mustApply(t, want, version)
			// The sessions have the last client id: none is left above it.
			lower, err := yjs.Reauthor(s.State, 1000)
			if err != nil {
				t.Fatal(err)
			}
			mustApply(t, d, lower)
			if want.HasPending() {
				continue
			}
			restored++
			restore(t, d, version)
			if diff := cmp.Diff(roots(t, want), roots(t, d)); diff != "" {
				t.Errorf("seed %d, version %d/4: %s", s.Seed, part, diff)
			}
			// And again, over the copies.
			restore(t, d, s.State)
			whole := yjs.New(yjs.Options{})
			mustApply(t, whole, s.State)
			if diff := cmp.Diff(roots(t, whole), roots(t, d)); diff != "" {
				t.Errorf("seed %d, restored twice: %s", s.Seed, diff)
			}
		}
	}
	if restored < 30 {
		t.Errorf("only %d versions were restored", restored)
	}
}

func restore(t *testing.T, d *yjs.Doc, version []byte) {
	t.Helper()
	first := uint64(1)
	var known []yjs.ClockRange
	for _, last := range d.StateVector() {
		known = append(known, yjs.ClockRange{Client: last.Client, To: last.Clock})
		first = max(first, last.Client+1)
	}
	copied, err := yjs.Reauthor(version, first)
	if err != nil {
		t.Fatal(err)
	}
	update, err := yjs.MergeUpdates(copied, yjs.DeleteUpdate(known))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := yjs.Validate(update, yjs.Limits{}); err != nil {
		t.Fatal(err)
	}
	mustApply(t, d, update)
	if d.HasPending() {
		t.Error("a part of what was restored is pending")
	}
}

// roots returns the JSON of the roots that are not empty.
func roots(t *testing.T, d *yjs.Doc) map[string]string {
	t.Helper()
	b, err := d.AppendJSON(nil, kinds, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for name, value := range raw {
		var v any
		json.Unmarshal(value, &v)
		canonical, _ := json.Marshal(v)
		if text := string(canonical); text != `""` && text != "[]" && text != "{}" && text != "null" {
			all[name] = text
		}
	}
	return all
}

func TestReauthorRefusesWhatIsNotWhole(t *testing.T) {
	whole := new(updateWriter).uint(1, 1, 7, 0).text("a").uint(0).b
	if _, err := yjs.Reauthor(whole, 1<<53-1); err == nil {
		t.Error("ids beyond 2^53-1 were given")
	}
	if _, err := yjs.Reauthor([]byte{1}, 1); err == nil {
		t.Error("a malformed update was taken")
	}
	late := new(updateWriter).uint(1, 1, 7, 3).text("a").uint(0).b
	if _, err := yjs.Reauthor(late, 9); err == nil {
		t.Error("an update without its client's first units was taken")
	}
	skips := new(updateWriter).uint(1, 3, 7, 0).text("a").byte(10).uint(2).textBehind(7, 0, "b").uint(0).b
	if _, err := yjs.Reauthor(skips, 9); err == nil {
		t.Error("an update that skips was taken")
	}
	behind := new(updateWriter).uint(1, 1, 7, 0).textBehind(6, 0, "a").uint(0).b
	if _, err := yjs.Reauthor(behind, 9); err == nil {
		t.Error("an update behind another client's was taken")
	}
}
