package yjs_test

import (
	"bytes"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// yjs and its successor read shouldLoad of the options, and throw on null.
func TestASubdocumentNeedsOptions(t *testing.T) {
	for options, want := range map[string]bool{
		"7e":         false, // null
		"7f":         false, // undefined
		"7600":       true,  // {}
		"7d00":       true,  // 0
		"7601016b7e": true,  // {"k":null}
	} {
		update := unhex(t, item(9, "01 67"+options))
		if _, err := yjs.Validate(update, yjs.Limits{}); (err == nil) != want {
			t.Errorf("%s: Validate says %v", options, err)
		}
		if _, err := yjs.New(yjs.Options{}).Apply(update); (err == nil) != want {
			t.Errorf("%s: Apply says %v", options, err)
		}
		if err := yjs.New(yjs.Options{}).Load(update); err != nil {
			t.Errorf("%s, stored already: %v", options, err)
		}
	}
}

// Each of two updates nests 900 types, the second in the first.
func TestALogHoldsTypesNestedInParts(t *testing.T) {
	var log yjs.Log
	for from := 0; from < 1800; from += 900 {
		b := lib0.AppendUint(append(lib0.AppendUint([]byte{1}, 900), 7), uint64(from))
		for i := from; i < from+900; i++ {
			if b = append(b, 7); i == 0 {
				b = append(b, 1, 1, 't', 0)
			} else {
				b = append(lib0.AppendUint(append(b, 0, 7), uint64(i-1)), 0)
			}
		}
		update := append(b, 0)
		if _, err := yjs.Validate(update, yjs.Limits{}); err != nil {
			t.Fatal(err)
		}
		if err := log.Append(update); err != nil {
			t.Fatal(err)
		}
	}
	state, err := log.State()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := yjs.Validate(state, yjs.Limits{}); err == nil {
		t.Error("together they are not too deep")
	}
	var again yjs.Log
	if err := again.Append(state); err != nil {
		t.Errorf("the state of a log is refused: %v", err)
	}
	if copied, err := yjs.Reauthor(state, 1<<40); err != nil || !bytes.Contains(copied, []byte{7, 1, 1, 't', 0}) {
		t.Errorf("reauthor: %d bytes, %v", len(copied), err)
	}
}
