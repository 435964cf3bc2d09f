package store

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

var threeMembers = [][]byte{[]byte(`{"id":`), []byte(`,"a":`), []byte(`,"b":`)}

func TestRowsBecomeObjects(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, ``},
		{`["x",1.5,null]`, `{"id":"x","a":1.5,"b":null}`},
		{`["x","",true],["y","a,b]",-1e3]`, `{"id":"x","a":"","b":true},{"id":"y","a":"a,b]","b":-1e3}`},
		{`["x","\\","\","],["y","\\\"","long and \"quoted\" text"]`, `{"id":"x","a":"\\","b":"\","},{"id":"y","a":"\\\"","b":"long and \"quoted\" text"}`},
	} {
		if got, err := objects(nil, []byte(c.text)); err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.text, got, err, c.want)
		}
	}
}

// Half of an answer would look like a whole one: rows that the client never gets.
func TestHalfARowIsAnError(t *testing.T) {
	for _, c := range []struct{ text, before string }{
		{`["x",1],["y",1,2]`, ``}, // a value too few
		{`["x",1,2,3],["y",1,2]`, ``},
		{`["x",1,2],["y",1`, `{"id":"x","a":1,"b":2}`},
		{`["x",1,2],["y",1,`, `{"id":"x","a":1,"b":2}`},
		{`["x",1,2],["y",1,2`, `{"id":"x","a":1,"b":2}`},
		{`["x",1,2],[`, `{"id":"x","a":1,"b":2}`},
		{`["x`, ``},
		{`[]`, ``},
		{`[`, ``},
		{`[` + strings.Repeat("1,", MaxRowValues) + `1],[1,2,3]`, ``},
	} {
		if got, err := objects(nil, []byte(c.text)); err == nil || string(got) != c.before {
			t.Errorf("%s: got %s, %v, want %s and an error", c.text, got, err, c.before)
		}
	}
}

func TestAValueThatARowLacksIsEmpty(t *testing.T) {
	r := NewRows([]byte(`[1,"a"]`))
	if r.Value(0) != nil || !r.Next() || string(r.Value(0)) != "1" || string(r.Value(1)) != `"a"` || r.Value(2) != nil || r.Next() || r.Value(0) != nil || r.Err() != nil {
		t.Errorf("%+v", r)
	}
}

// The text of a page has a few MB, and each copy of it costs.
func TestATextOfManyRowsGrowsSeldom(t *testing.T) {
	var text []byte
	for i := range 5000 {
		text = fmt.Appendf(text, `["id of row %d",%d,"text of row %d"],`, i, i, i)
	}
	before := bytes.Repeat([]byte{'x'}, 1000)
	if allocated := testing.AllocsPerRun(1, func() { objects(before, text) }); allocated > 5 {
		t.Errorf("%v allocations", allocated)
	}
	if b, _ := objects(before, text); cap(b) > len(b)*5/4 {
		t.Errorf("%d bytes have room for %d", len(b), cap(b))
	}
}

// Whatever a database answered, nothing panics or runs on.
func FuzzRows(f *testing.F) {
	f.Add([]byte(`["x",1.5,null],["\\",",",2]`))
	f.Add([]byte("[\"\\\\\"]\n[\"\n[\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, _ := objects(nil, text); len(got) > 8*len(text) {
			t.Errorf("%d bytes of %d", len(got), len(text))
		}
	})
}

// objects appends the rows as JSON objects, divided by commas.
func objects(b, text []byte) ([]byte, error) {
	r := NewRows(text)
	for r.Next() {
		b = r.AppendObject(b, threeMembers, 0)
	}
	return bytes.TrimSuffix(b, []byte{','}), r.Err()
}
