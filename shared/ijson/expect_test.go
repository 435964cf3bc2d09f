package ijson

import (
	"encoding/binary"
	"math/bits"
	"testing"
)

func TestExpectReadsOnlyWhatItKnows(t *testing.T) {
	const name = `"contact":`
	for _, c := range []struct {
		text string // behind name
		kind Kind
		want string // the value that is read at once
	}{
		{`"",`, String, `""`}, {`"a"}`, String, `"a"`}, {`"twelve bytes and more"`, String, `"twelve bytes and more"`},
		{`"eight by`, String, ""}, {`"`, String, ""}, {` "a"`, String, ""}, {`"a\n"`, String, ""}, {`"twelve bytes\\"`, String, ""},
		{`"é"`, String, ""}, {"\"twelve\x80bytes\"", String, ""}, {`"twelve byteé"`, String, ""}, {"\"twelve\tbytes\"", String, ""}, {"\"a\x1f\"", String, ""}, {"\"\x7f \x7f \x7f \x7f\"", String, "\"\x7f \x7f \x7f \x7f\""},
		{`1`, String, ""}, {`"1"`, Number, ""}, {`"1"`, Invalid, ""}, {`null,`, String, ""},
		{`0,`, Number, `0`}, {`123456789012345}`, Number, `123456789012345`},
		{`1234567890123456}`, Number, ""}, {`01,`, Number, ""}, {`1`, Number, ""}, {`1 ,`, Number, ""}, {`1.5,`, Number, ""}, {`1e3,`, Number, ""}, {`-1,`, Number, ""}, {`x,`, Number, ""},
	} {
		s := NewScanner([]byte(name+c.text), 1)
		value, number, ok := s.Expect([]byte(name), c.kind)
		if string(value) != c.want || !ok || s.Offset() != len(name)+len(c.want) {
			t.Errorf("%q as %d: %q, %v to %d, want %q", c.text, c.kind, value, ok, s.Offset(), c.want)
		}
		if text, same := NewScanner(value, 0).Number(); c.kind == Number && ok && value != nil && (string(text) != c.want || same != number) {
			t.Errorf("%q is %v, want %v", c.text, number, same)
		}
	}
	for _, text := range []string{``, `"contact":`, `"contact"`, `"contacT":1,`, `"c0ntact":1,`, ` "contact":1`} {
		s := NewScanner([]byte(text), 1)
		if value, _, ok := s.Expect([]byte(name), Number); ok || value != nil || s.Offset() != 0 {
			t.Errorf("%q: %q, %v to %d", text, value, ok, s.Offset())
		}
	}
}

func TestAMemberBehindAnExpectedOneNeedsAComma(t *testing.T) {
	s := NewScanner([]byte(`{"a":1 "b":2}`), 1)
	s.Enter(Object)
	if _, _, ok := s.Expect([]byte(`"a":`), Invalid); !ok {
		t.Fatal("not found")
	}
	s.Number()
	if name, ok := s.Member(); ok || s.Err() == nil {
		t.Errorf("%q, %v", name, s.Err())
	}
}

func TestSpecialMarksTheFirstByteThatDoesNotStandForItself(t *testing.T) {
	for c := range 256 {
		for at := range 8 {
			text := []byte("ordinary")
			text[at] = byte(c)
			want := at
			if ordinary[c] {
				want = 8
			}
			if got := bits.TrailingZeros64(special(binary.LittleEndian.Uint64(text))) / 8; got != want {
				t.Fatalf("%q: %d, want %d", text, got, want)
			}
		}
	}
}
