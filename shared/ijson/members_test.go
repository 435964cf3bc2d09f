package ijson

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembersAreReadByTheirExactNames(t *testing.T) {
	got, err := Members([]byte(` {"a" : 1 ,"A":[{"x":1,"x":2}],"\u0062": "c\n" ,"":null}`), 3)
	want := map[string][]byte{"a": []byte("1"), "A": []byte(`[{"x":1,"x":2}]`), "b": []byte(`"c\n"`), "": []byte("null")}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, text := range []string{
		``, `null`, `[]`, `"a"`, `{`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1}{}`, `{"a":1,}`, `{"a":1 "b":2}`,
		`{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `{"a":[[[]]]}`, `{"a":1e999}`, `{"a":"\ud800"}`, "{\"\xff\":1}",
	} {
		if got, err := Members([]byte(text), 3); err == nil {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

func TestTextAndTexts(t *testing.T) {
	if got, err := Text([]byte(` "a\u00e9" `)); got != "aé" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	got, err := Texts([]byte(`[ "a", "b\"" ]`))
	if d := cmp.Diff([]string{"a", `b"`}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, text := range []string{``, `1`, `null`, `"a`, `"a"x`, `["a",1]`, `["a"`, `[null]`, `[["a"]]`, `{}`} {
		if got, err := Text([]byte(text)); err == nil {
			t.Errorf("text %s: %q", text, got)
		}
		if got, err := Texts([]byte(text)); err == nil {
			t.Errorf("texts %s: %q", text, got)
		}
	}
}
