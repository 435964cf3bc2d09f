package store

import (
	"bytes"
	"testing"
)

func TestColumnsBecomeRows(t *testing.T) {
	members := [][]byte{[]byte(`{"id":`), []byte(`,"a":`), []byte(`,"b":`)}
	for _, c := range []struct{ part, want string }{
		{"[]\n[]\n[]", ""},
		{"[\"x\"]\n[1.5]\n[null]", `{"id":"x","a":1.5,"b":null}`},
		{"[\"x\",\"y\"]\n[\"\",\"a,b\"]\n[true,-1e3]", `{"id":"x","a":"","b":true},{"id":"y","a":"a,b","b":-1e3}`},
		{"[\"x\",\"y\"]\n[\"\\\\\",\"\\\\\\\"\"]\n[\"\\\",\",\"\\n\"]", `{"id":"x","a":"\\","b":"\","},{"id":"y","a":"\\\"","b":"\n"}`},
		{"[\"x\"]\n[1]", ""}, // a line too few
		{"[\"x]\n[\"\n[", ""},
	} {
		if got := string(appendRows(nil, members, []byte(c.part))); got != c.want {
			t.Errorf("%q: got %s, want %s", c.part, got, c.want)
		}
	}
}

// Whatever a database answered, nothing panics or runs on.
func FuzzColumns(f *testing.F) {
	f.Add([]byte("[\"x\"]\n[1.5]\n[null]"))
	f.Add([]byte("[\"\\\\\"]\n[\"\n[\""))
	members := [][]byte{{'{'}, {','}, {','}}
	f.Fuzz(func(t *testing.T, part []byte) {
		if got := appendRows(nil, members, part); len(got) > 8*len(part) {
			t.Errorf("%d bytes of %d", len(got), len(part))
		}
	})
}

// appendRows appends the rows as JSON objects, divided by commas.
func appendRows(b []byte, members [][]byte, part []byte) []byte {
	for c := NewColumns(part, len(members)); c.Next(); {
		b = c.AppendRow(b, members, 0)
	}
	return bytes.TrimSuffix(b, []byte{','})
}
