package yjs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/yjs"
)

// Documents of editors, as yjs 13.6.33 encodes them: see testdata/editors.mjs.
func TestEditorsDocuments(t *testing.T) {
	b, err := os.ReadFile("testdata/editors-13.6.33.json")
	if err != nil {
		t.Fatal(err)
	}
	var editors []struct {
		Name, Root, Text string
		State            []byte
		Tree             any
	}
	if err := json.Unmarshal(b, &editors); err != nil {
		t.Fatal(err)
	}
	for _, e := range editors {
		d := yjs.New(yjs.Options{})
		mustApply(t, d, e.State)
		if got := d.Text(e.Root); got != e.Text {
			t.Errorf("%s: text %q, want %q", e.Name, got, e.Text)
		}
		var got map[string]any
		tree, err := d.AppendTree(nil, nil, 1<<20)
		if err := errors.Join(err, json.Unmarshal(tree, &got)); err != nil {
			t.Errorf("%s: %s: %v", e.Name, tree, err)
		}
		if diff := cmp.Diff(e.Tree, got[e.Root]); diff != "" {
			t.Errorf("%s: %s", e.Name, diff)
		}
		if got, err := d.AppendTree([]byte("before"), nil, len(tree)-1); !errors.Is(err, yjs.ErrTooLong) || string(got) != "before" {
			t.Errorf("%s: a limit below its length: %d bytes, %v", e.Name, len(got), err)
		}
		if got, err := d.AppendTree(nil, nil, len(tree)); err != nil || !bytes.Equal(got, tree) {
			t.Errorf("%s: a limit of its length: %d bytes, %v", e.Name, len(got), err)
		}
	}
}
