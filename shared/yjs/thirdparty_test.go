package yjs_test

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"tidemark/shared/yjs"
)

// Documents that yjs 13.2.0 wrote, with the content its own tests expect, as
// JavaScript literals.
func TestDocumentsOfYjs132(t *testing.T) {
	type document struct {
		Test, ExpectedLiteral string
		V1Base64              []byte
	}
	inserted := regexp.MustCompile(`"insert":("(?:[^"\\]|\\.)*")`)
	for _, documents := range readCases[[]document](t, "third-party/yjs-compat.json.gz") {
		for _, c := range documents {
			d := yjs.New(yjs.Options{})
			mustApply(t, d, c.V1Base64)
			got, err := d.AppendJSON(nil, map[string]yjs.Kind{"array": yjs.Array, "map": yjs.Map, "text": yjs.Text}, 1<<20)
			var roots map[string]json.RawMessage
			if err != nil || json.Unmarshal(got, &roots) != nil {
				t.Fatalf("%s: %v: %s", c.Test, err, got)
			}
			switch {
			case roots["array"] != nil:
				if !strings.Contains(c.ExpectedLiteral, string(roots["array"])) {
					t.Errorf("array %s\nwant %s", roots["array"], c.ExpectedLiteral)
				}
			case roots["map"] != nil:
				if want := `{"one":[1,2,3,4],"two":{"deepkey":"deepvalue"}}`; string(roots["map"]) != want {
					t.Errorf("map %s\nwant %s", roots["map"], want)
				}
			default:
				var want strings.Builder
				for _, m := range inserted.FindAllStringSubmatch(c.ExpectedLiteral, -1) {
					var text string
					if err := json.Unmarshal([]byte(m[1]), &text); err != nil {
						t.Fatal(err)
					}
					want.WriteString(text)
				}
				if got := d.Text("text"); got != want.String() || got == "" {
					t.Errorf("text %q\nwant %q", got, want.String())
				}
			}
		}
	}
}

// yrs does not join structs like yjs. After a join, its state of B4 is shorter.
func TestStateOfYrs(t *testing.T) {
	update, err := io.ReadAll(openData(t, "third-party/yrs-b4-update.v1.bin.gz"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(openData(t, "b4-final.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	d := yjs.New(yjs.Options{})
	mustApply(t, d, update)
	if got := state(t, d); len(got) != 385_866 {
		t.Errorf("state of %d bytes, want 385,866", len(got))
	}
	got, err := d.AppendJSON(nil, nil, 1<<20)
	var roots map[string]string
	if err != nil || json.Unmarshal(got, &roots) != nil || len(roots) != 1 {
		t.Fatalf("%v: %.200s", err, got)
	}
	for name, text := range roots {
		if text != string(want) || text != d.Text(name) {
			t.Errorf("root %q: text of %d bytes, want %d", name, len(text), len(want))
		}
	}
}
