package jsonvalue_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/jsonvalue"
)

type inner struct {
	List, ID string
	N        int64 `json:"n,omitempty"`
}

// shape has a field of each kind that the guest has.
type shape[Raw ~[]byte] struct {
	Text     string         `json:"text"`
	Int      int            `json:"int,omitempty"`
	Short    int8           `json:"short"`
	Float    float64        `json:"float"`
	Bool     bool           `json:"bool,omitempty"`
	Pointer  *float64       `json:"pointer,omitempty"`
	Inners   []inner        `json:"inners"`
	Texts    []string       `json:"texts,omitempty"`
	Any      any            `json:"any,omitempty"`
	Anys     []any          `json:"anys"`
	Raw      Raw            `json:"raw,omitempty"`
	Raws     map[string]Raw `json:"raws"`
	Map      map[string]any `json:"map,omitempty"`
	Left     string         `json:"-"`
	Untagged string
}

type (
	ours   = shape[jsonvalue.RawMessage]
	theirs = shape[json.RawMessage]
)

// values draws JSON values as Go has them.
func values() *rapid.Generator[any] {
	return rapid.Deferred(func() *rapid.Generator[any] {
		return rapid.OneOf(
			rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(v bool) any { return v }),
			rapid.Map(texts(), func(v string) any { return v }), rapid.Map(numbers(), func(v float64) any { return v }),
			rapid.Map(rapid.Int64(), func(v int64) any { return v }),
			rapid.Map(rapid.SliceOfN(texts(), 0, 3), func(v []string) any { return v }),
			rapid.Map(rapid.SliceOfN(values(), 0, 3), func(v []any) any { return v }),
			rapid.Map(rapid.MapOfN(texts(), values(), 0, 3), func(v map[string]any) any { return v }),
		)
	})
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(0, 8, -1), rapid.SampledFrom([]string{
		"<a href=\"x\">&amp;</a>", "\u2028\u2029\ufffd", "\xff\xfe", "a\xe2\x80", "\x00\x1f\x7f\b\f\n\r\t\\/\"", "text", "TEXT", "Inner", "ſ", "K",
	}))
}

func numbers() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e21, 1e20, 1e-6, 1e-7, 1.5e300, 123456789, 5e-324}))
}

func TestMarshalIsAsInEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "v")
		got, gotErr := jsonvalue.Marshal(v)
		want, wantErr := json.Marshal(v)
		if string(got) != string(want) || (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%#v: got %s, %v, want %s, %v", v, got, gotErr, want, wantErr)
		}
		var b bytes.Buffer
		plain := json.NewEncoder(&b)
		plain.SetEscapeHTML(false)
		if err := plain.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got, err := jsonvalue.MarshalPlain(v); string(got)+"\n" != b.String() || err != nil {
			t.Fatalf("%#v: got %s, %v, want %s", v, got, err, &b)
		}
	})
}

// documents draws texts that are JSON, or nearly.
func documents() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		text, err := json.Marshal(map[string]any{
			rapid.SampledFrom([]string{"text", "TEXT", "int", "short", "whole", "float", "bool", "pointer", "inner", "inners", "texts", "any", "anys", "raw",
				"raws", "map", "Left", "-", "untagged", "hidden", "other"}).Draw(t, "name"): values().Draw(t, "value"),
			"inners": []any{map[string]any{"list": texts().Draw(t, "list"), "n": numbers().Draw(t, "n"), "ID": "x", "id": "y"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "spaced") {
			text = bytes.ReplaceAll(text, []byte(":"), []byte(" :\n "))
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[at] = rapid.SampledFrom([]byte("{}[]\",:\\u0d8e+-.19tnf \x01\xff<")).Draw(t, "byte")
		}
		return text
	})
}

func TestUnmarshalIsAsInEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { same(t, documents().Draw(t, "text")) })
}

type failer interface{ Fatalf(string, ...any) }

// same compares what both packages read of a text, and what they write of that again.
func same(t failer, text []byte) {
	var got ours
	var want theirs
	gotErr, wantErr := jsonvalue.Unmarshal(text, &got), json.Unmarshal(text, &want)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q: got %v, want %v", text, gotErr, wantErr)
	}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	wantErr = strict.Decode(&theirs{})
	if wantErr == nil && len(bytes.TrimSpace(text[strict.InputOffset():])) > 0 {
		wantErr = json.Unmarshal(text, &theirs{}) // something follows it
	}
	if gotErr := jsonvalue.UnmarshalStrict(text, &ours{}); (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("strictly %q: got %v, want %v", text, gotErr, wantErr)
	}
	var gotAny, wantAny any
	gotErr, wantErr = jsonvalue.Unmarshal(text, &gotAny), json.Unmarshal(text, &wantAny)
	if !reflect.DeepEqual(gotAny, wantAny) || (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q: got %v, %v, want %v, %v", text, gotAny, gotErr, wantAny, wantErr)
	}
	if gotErr != nil || jsonvalue.Unmarshal(text, &ours{}) != nil {
		return
	}
	gotText, gotErr := jsonvalue.Marshal(got)
	wantText, wantErr := json.Marshal(want)
	if string(gotText) != string(wantText) || (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q:\ngot  %s, %v\nwant %s, %v", text, gotText, gotErr, wantText, wantErr)
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, text := range []string{
		"", " ", "null", "{", `{"raw":{"a" : [1, "<\u2028` + "\u2028" + `"]},"raws":{"b":null}}`, `{"text":"\ud800\udc00\ud800x\udc00"}`,
		`{"int":1.0}`, `{"int":1e2}`, `{"short":128}`, `{"float":1e999}`, `{"float":-0}`, `01`, `1.`, `-`, `tru`, `nul`, `[1,]`, `{"a":1,}`, `{,}`,
		`{"inner":null,"pointer":null,"any":null,"texts":null}`, `{"inner":{"LIST":"a","list":"b","id":1}}`, `{"inners":[{"n":1},{"n":2}],"inners":[{"ID":"x"}]}`,
		`{"whole":1}`, `{"whole":null}`, `{"whole":1.5}`, `{"map":{"a":{"b":[]}},"MAP":{"c":1}}`, `{"\u0074ext":"a"}`, `"\x"`, `"\u12"`, `{"ſhort":1}`,
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { same(t, text) })
}

func TestUnsupportedValuesAreErrors(t *testing.T) {
	for _, v := range []any{make(chan int), func() {}, []byte("a"), map[int]string{1: "a"}, math.NaN(), math.Inf(1), jsonvalue.RawMessage("{"), [2]int{}} {
		if got, err := jsonvalue.Marshal(v); err == nil {
			t.Errorf("%v: got %s, want an error", v, got)
		}
	}
	for _, v := range []any{nil, 1, reflect.ValueOf(new(int)), (*int)(nil)} {
		if err := jsonvalue.Unmarshal([]byte("1"), v); err == nil {
			t.Errorf("into %v: no error", v)
		}
	}
}

func TestMember(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":"a"}`: `"a"`, ` { "x" : {"id":1} , "\u0069d" : [ 1 ] , "id":2}`: `[ 1 ]`, `{"id":"a",`: `"a"`, `{"x":"\ud800","id":1e999 nonsense`: `1e999`,
		``: ``, `{`: ``, `{}`: ``, `["id"]`: ``, `{"id"`: ``, `{"id":`: ``, `{"id":"a`: ``, `{"x":1 "id":2}`: ``, `{"x":tru,"id":2}`: ``, `{id:1}`: ``, `{"x":"\x","id":2}`: ``,
	} {
		if got := jsonvalue.Member([]byte(text), "id"); string(got) != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
