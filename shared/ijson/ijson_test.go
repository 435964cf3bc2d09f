package ijson

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

// scan reads one whole text.
func scan(text string, depth int) error {
	s := NewScanner([]byte(text), depth)
	s.Skip()
	return s.End()
}

func TestTextsThatAreNotIJSONAreRefused(t *testing.T) {
	for _, c := range []struct{ text, reason string }{
		{"", "unexpected end"},
		{" ", "unexpected end"},
		{"{", "unexpected end"},
		{"[1,", "unexpected end"},
		{"[1,]", "unexpected ']'"},
		{"[,1]", "unexpected ','"},
		{"[1 2]", "unexpected '2'"},
		{`{"a":1,}`, "unexpected '}'"},
		{`{,}`, "unexpected ','"},
		{`{"a" 1}`, "unexpected '1'"},
		{`{a:1}`, "unexpected 'a'"},
		{`[}`, "unexpected '}'"},
		{`{]`, "unexpected ']'"},
		{"1 2", "unexpected '2'"},
		{"nul", "unexpected 'n'"},
		{"NaN", "unexpected 'N'"},
		{"-Infinity", "unexpected 'I'"},
		{"01", "unexpected"},
		{"-", "unexpected end"},
		{"1.", "unexpected end"},
		{".5", "unexpected '.'"},
		{"1e", "unexpected end"},
		{"+1", "unexpected '+'"},
		{"1e400", "number out of range"},
		{"-1" + strings.Repeat("0", 400), "number out of range"},
		{"\"\n\"", "control character"},
		{`"\x"`, "invalid escape"},
		{`"\u12g4"`, "invalid escape"},
		{`"\`, "unexpected end"},
		{`"\ud800"`, "lone surrogate"},
		{`"\udc00\ud800"`, "lone surrogate"},
		{`"\ud800\u0041"`, "lone surrogate"},
		{"\"\xff\"", "invalid UTF-8"},
		{"\"\xed\xa0\x80\"", "invalid UTF-8"},
		{"\x00", "unexpected"},
		{"1\x00", "unexpected"},
		{"[[[1]]]", "nested too deeply"},
		{`{"a":{"a":{}}}`, "nested too deeply"},
	} {
		err := scan(c.text, 2)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.reason)
		}
	}
}

func TestNothingComesAfterAnError(t *testing.T) {
	s := NewScanner([]byte("[1e400,2]"), 1)
	s.Enter(Array)
	s.Element()
	s.Number()
	if _, value := s.Number(); s.Err() == nil || s.Kind() != Invalid || s.Left() != 0 || value != 0 || s.Element() {
		t.Errorf("%v: %v, %d bytes, %v", s.Err(), s.Kind(), s.Left(), value)
	}
}

func TestDeepNestingEndsAtTheLimit(t *testing.T) {
	for depth, ok := range map[int]bool{31: true, 32: true, 33: false, 1_000_000: false} {
		err := scan(strings.Repeat("[", depth)+strings.Repeat("]", depth), 32)
		if (err == nil) != ok {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

func TestNumbersAreWrittenAsJavaScriptDoes(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 1: "1", -1.5: "-1.5", 5e-324: "5e-324",
		1e20: "100000000000000000000", 1e21: "1e+21", 123456789012345680000: "123456789012345680000",
		1e-6: "0.000001", 1e-7: "1e-7", 1.7976931348623157e308: "1.7976931348623157e+308",
		0.30000000000000004: "0.30000000000000004", 1e-10: "1e-10", -1e100: "-1e+100",
	} {
		if got := string(AppendNumber(nil, v)); got != want {
			t.Errorf("%g: got %s, want %s", v, got, want)
		}
	}
}

func TestStringsAreWrittenAsJavaScriptDoes(t *testing.T) {
	in := "\x00\b\t\n\v\f\r\x1f\"\\/\x7fé\u2028😀"
	want := `"\u0000\b\t\n\u000b\f\r\u001f\"\\/` + "\x7fé\u2028😀\""
	if got := string(AppendString(nil, in)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHalvesOfPairsAreMended(t *testing.T) {
	for text, want := range map[string]string{
		`"\ud800"`:                 "\ufffd",
		`"a\udc00\ud800b"`:         "a\ufffd\ufffdb",
		`"\ud800\u0041"`:           "\ufffdA",
		`"\ud800\ud83d\ude00"`:     "\ufffd😀",
		`"\\ud800"`:                `\ud800`,
		`{"x":["\ud800"],"y":"z"}`: "",
	} {
		s := NewScanner([]byte(text), 5).MendHalves()
		if s.Kind() != String {
			s.Skip()
		} else if got := string(Unquote(nil, s.String())); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		if err := s.End(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzScanner compares with encoding/json, which takes the same grammar but
// repairs what I-JSON refuses.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-0.5e+3,"x\u00e9\ud83d\ude00\/"],"b":{"c":null}}`, `[true,false]`, `"\ud800"`, `1e400`, `[1,]`, "\"\xff\"",
		`123456789012345678`, `-0`, `1E5`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if passed := NewScanner(text, 0).Pass(); json.Valid(text) && string(passed) != strings.Trim(string(text), " \t\n\r") {
			t.Fatalf("%q: passed %q", text, passed)
		}
		const depth = 50
		s := NewScanner(text, depth)
		s.Skip()
		err := s.End()
		if err != nil && json.Valid(text) {
			for _, stricter := range []string{"out of range", "lone surrogate", "invalid UTF-8", "too deeply"} {
				if strings.Contains(err.Error(), stricter) {
					return
				}
			}
			t.Fatalf("%q is valid, got %v", text, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("%q is not valid, and was taken", text)
		}
		compare(t, NewScanner(text, depth), json.RawMessage(text))
	})
}

// compare walks over the scanner's next value beside what encoding/json makes of it.
func compare(t *testing.T, s *Scanner, raw json.RawMessage) {
	switch s.Kind() {
	case Object:
		d := json.NewDecoder(bytes.NewReader(raw))
		d.Token()
		s.Enter(Object)
		for {
			name, ok := s.Member()
			if ok != d.More() {
				t.Fatalf("%q: more members: %v", raw, ok)
			}
			if !ok {
				return
			}
			want, _ := d.Token()
			if got := string(Unquote(nil, name)); got != want {
				t.Fatalf("%q: name %q, want %q", raw, got, want)
			}
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				t.Fatal(err)
			}
			compare(t, s, v)
		}
	case Array:
		var all []json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		s.Enter(Array)
		for i := 0; s.Element(); i++ {
			compare(t, s, all[i])
		}
	case String:
		var want string
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		got := string(Unquote(nil, s.String()))
		if got != want {
			t.Fatalf("%q: got %q, want %q", raw, got, want)
		}
		var back string
		if err := json.Unmarshal(AppendString(nil, got), &back); err != nil || back != got {
			t.Fatalf("%q came back as %q, %v", got, back, err)
		}
	case Number:
		var want float64
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		text, got := s.Number()
		if got != want || string(text) != string(bytes.TrimSpace(raw)) {
			t.Fatalf("%q: got %q, %v, want %v", raw, text, got, want)
		}
		var back float64
		if err := json.Unmarshal(AppendNumber(nil, got), &back); err != nil || back != got {
			t.Fatalf("%v came back as %v, %v", got, back, err)
		}
	default:
		if k, want := s.Literal(), map[string]Kind{"true": True, "false": False, "null": Null}[string(bytes.TrimSpace(raw))]; k != want {
			t.Fatalf("%q: got %v", raw, k)
		}
	}
}

func BenchmarkScanner(b *testing.B) {
	text := []byte("[" + strings.Repeat(`{"id":"abcdefghijklmnop","contact_name":"Some Name","notes":"a longer text, as people write them","updated_at":1700000000000},`, 1000) + "0]")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s := NewScanner(text, 8)
		s.Skip()
		if err := s.End(); err != nil {
			b.Fatal(err)
		}
	}
}
