package yjs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// A session is an entry of the file that testdata/json.mjs writes.
type session struct {
	Seed    int
	Updates [][]byte
	State   []byte
	JSON    map[string]string
	Text    string
}

func sessions(t testing.TB) (all []session) {
	t.Helper()
	files, err := filepath.Glob("testdata/json-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sessions: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []session
		if err := json.Unmarshal(b, &some); err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

var kinds = map[string]yjs.Kind{
	"text": yjs.Text, "array": yjs.Array, "map": yjs.Map, "xml": yjs.XMLFragment, "xmltext": yjs.XMLText,
}

func TestJSONEqualsYjs(t *testing.T) {
	for _, s := range sessions(t) {
		d := yjs.New(yjs.Options{})
		for _, update := range s.Updates {
			mustApply(t, d, update)
		}
		if got := state(t, d); !bytes.Equal(got, s.State) {
			t.Errorf("seed %d: state\ngot  %x\nwant %x", s.Seed, got, s.State)
		}
		if got := d.Text("text"); got != s.Text {
			t.Errorf("seed %d: text %q, want %q", s.Seed, got, s.Text)
		}
		got, err := d.AppendJSON(nil, kinds, 1<<20)
		var roots map[string]json.RawMessage
		if err := errors.Join(err, json.Unmarshal(got, &roots)); err != nil {
			t.Errorf("seed %d: %v: %s", s.Seed, err, got)
		}
		for name, text := range roots {
			if string(text) != s.JSON[name] {
				t.Errorf("seed %d: %s\ngot  %s\nwant %s", s.Seed, name, text, s.JSON[name])
			}
		}
	}
}

func TestRootKindsAreInferred(t *testing.T) {
	for _, c := range []struct{ name, item, want string }{
		{"text", "04 01 0161 0178", `{"a":"x"}`},
		{"array", "08 01 0161 02 7d01 7e", `{"a":[1,null]}`},
		{"array of a map", "07 01 0161 01", `{"a":[{}]}`},
		{"fragment", "07 01 0161 03 0150", `{"a":"<p></p>"}`},
		{"map", "28 01 0161 016b 01 7d01", `{"a":{"k":1}}`},
		{"nothing left", "01 01 0161 05", `{"a":null}`},
	} {
		d := yjs.New(yjs.Options{})
		mustApply(t, d, append(append([]byte{1, 1, 1, 0}, unhex(t, c.item)...), 0))
		if got, err := d.AppendJSON(nil, nil, 100); string(got) != c.want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

// 200 pieces of text inside a format of 1,000 bytes are 400 kB of XML.
func TestJSONIsBounded(t *testing.T) {
	w := (&updateWriter{}).uint(1, 401, 1, 0)
	w.byte(6).uint(1).string("t").string(string(bytes.Repeat([]byte("k"), 1000))).string("true")
	for n := range uint64(200) {
		w.textBehind(1, 2*n, "x")
		w.byte(0x86).uint(1, 2*n+1).string("b").string("null")
	}
	d := yjs.New(yjs.Options{})
	mustApply(t, d, w.uint(0).b)
	xml := map[string]yjs.Kind{"t": yjs.XMLText}
	if got, err := d.AppendJSON([]byte("before"), xml, 10_000); !errors.Is(err, yjs.ErrTooLong) || string(got) != "before" {
		t.Errorf("got %d bytes, %v; want ErrTooLong", len(got), err)
	}
	if got, err := d.AppendJSON(nil, xml, 1<<20); err != nil || len(got) < 400_000 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// A large document is written into one piece of memory, with contents of its own or in
// kept updates. Nothing is moved, and no text is copied before.
func TestALargeDocumentIsShownWithoutCopies(t *testing.T) {
	const size = 4 << 20
	update := []byte{3}
	for client := byte(3); client > 0; client-- {
		update = lib0.AppendString(append(update, 1, client, 0, 4, 1), "note")
		update = lib0.AppendString(update, strings.Repeat("text ", size/15+1))
	}
	update = append(update, 0)
	written := yjs.New(yjs.Options{})
	mustApply(t, written, bytes.Clone(update))
	kept := yjs.New(yjs.Options{})
	if err := kept.LoadKept(bytes.Clone(update)); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*yjs.Doc{"its own": written, "kept": kept} {
		for form, show := range map[string]func() ([]byte, error){
			"JSON": func() ([]byte, error) { return d.AppendJSON(nil, nil, 2*size) },
			"tree": func() ([]byte, error) { return d.AppendTree(nil, nil, 2*size) },
			"text": func() ([]byte, error) { return d.AppendText(nil, "note"), nil },
		} {
			before := allocated()
			shown, err := show()
			taken := int(allocated() - before)
			if err != nil || len(shown) < size {
				t.Fatalf("%s as %s: %d bytes, %v", name, form, len(shown), err)
			}
			if taken > size+size/4 {
				t.Errorf("%s as %s: %d bytes were allocated for %d", name, form, taken, len(shown))
			}
		}
	}
}
