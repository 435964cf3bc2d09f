package pattern

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNewRejectsWhatIsNoProgram(t *testing.T) {
	one := []Instruction{{Op: Match}}
	for name, c := range map[string]struct {
		instructions []Instruction
		classes      [][]rune
		want         string
	}{
		"nothing":               {nil, nil, "0 instructions"},
		"too much":              {make([]Instruction, MaxInstructions+1), nil, "4001 instructions"},
		"as much as allowed":    {make([]Instruction, MaxInstructions), nil, ""},
		"an operation":          {[]Instruction{{Op: Assert + 1}}, nil, "operation 6 in instruction 0"},
		"the last code point":   {[]Instruction{{Rune, 0, maxRune}}, nil, ""},
		"one code point more":   {[]Instruction{{Rune, 0, maxRune + 1}}, nil, "argument 1114112"},
		"no class":              {[]Instruction{{Class, 0, 0}}, nil, "argument 0"},
		"a class":               {[]Instruction{{Class, 0, 0}}, [][]rune{{0, maxRune}}, ""},
		"an empty class":        {[]Instruction{{Class, 0, 0}}, [][]rune{{}}, ""},
		"one class more":        {[]Instruction{{Class, 0, 1}}, [][]rune{{0, maxRune}}, "argument 1"},
		"a way to itself":       {[]Instruction{{Either, 0, 0}}, nil, ""},
		"out beyond the end":    {[]Instruction{{Either, 1, 0}}, nil, "out 1"},
		"either beyond the end": {[]Instruction{{Either, 0, 1}}, nil, "argument 1"},
		"the greatest numbers":  {[]Instruction{{Either, 1<<32 - 1, 1<<32 - 1}}, nil, "out 4294967295"},
		"all assertions":        {[]Instruction{{Assert, 0, 63}}, nil, ""},
		"an assertion more":     {[]Instruction{{Assert, 0, 64}}, nil, "argument 64"},
		"match and go on":       {[]Instruction{{Op: Fail}, {Match, 1, 0}}, nil, "out 1"},
		"half a range":          {one, [][]rune{{1}}, "half a range"},
		"a range backwards":     {one, [][]rune{{2, 1}}, "do not ascend"},
		"ranges that overlap":   {one, [][]rune{{1, 3, 3, 4}}, "do not ascend"},
		"ranges side by side":   {one, [][]rune{{1, 3, 4, 4}}, ""},
		"a negative range":      {one, [][]rune{{-1, 3}}, "do not ascend"},
		"beyond Unicode":        {one, [][]rune{{1, maxRune + 1}}, "leave Unicode"},
		"too many ranges":       {one, [][]rune{many(MaxRanges), {1, 1}}, "10001 ranges"},
	} {
		p, err := New(c.instructions, c.classes)
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want == "":
			p.Match("a text") // returns
		}
	}
}

// many returns a class of n ranges.
func many(n int) (class []rune) {
	for i := range rune(n) {
		class = append(class, 2*i, 2*i)
	}
	return class
}

func TestUnmarshalRejectsWhatMarshalDoesNotWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "cut short",
		"A":                    "no base64",
		"AAEB=":                "no base64",
		"AAEC":                 "cut short",
		"AAEBAQ":               "too much",
		"AAA":                  "0 instructions",
		"AAEDBQA":              "argument 5",
		"AAEG":                 "cut short",    // an unknown operation, without an argument
		encode(0, 1, 16, 0, 0): "operation 16", // with one it has
		encode(255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255): "cut short",
		encode(1, 1, 0, 0x80, 0x80, 0x44, 1, 1):                       "cut short", // a range that leaves Unicode
	} {
		err := new(Program).UnmarshalText([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func encode(b ...byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func TestTheEmptyProgramMatchesNothing(t *testing.T) {
	if p := new(Program); p.Match("") || p.Match("a") || !p.Equal(p) || p.Equal(nil) || !(*Program)(nil).Equal(nil) {
		t.Error("the empty program matches, or is not equal to itself alone")
	}
}

// slow says what Match says, by looking at each instruction at each place of the text.
func slow(p *Program, text string) bool {
	runes := []rune(text)
	type place struct{ instruction, at int }
	open, known := []place{{0, 0}}, map[place]bool{}
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return end
		}
		return runes[i]
	}
	for len(open) > 0 {
		x := open[len(open)-1]
		open = open[:len(open)-1]
		if known[x] {
			continue
		}
		known[x] = true
		in, r := p.instructions[x.instruction], at(x.at)
		out := place{int(in.Out), x.at}
		next := place{int(in.Out), x.at + 1}
		switch {
		case in.Op == Match && r == end:
			return true
		case in.Op == Rune && r == rune(in.Arg), in.Op == Class && slices.ContainsFunc(ranges(p.classes[in.Arg]), func(x [2]rune) bool { return x[0] <= r && r <= x[1] }):
			open = append(open, next)
		case in.Op == Either:
			open = append(open, out, place{int(in.Arg), x.at})
		case in.Op == Assert && in.Arg&^assertions(at(x.at-1), r) == 0:
			open = append(open, out)
		}
	}
	return false
}

func ranges(class []rune) (pairs [][2]rune) {
	for i := 0; i < len(class); i += 2 {
		pairs = append(pairs, [2]rune{class[i], class[i+1]})
	}
	return pairs
}

// FuzzProgram reads programs that nobody compiled, and runs them.
func FuzzProgram(f *testing.F) {
	f.Add([]byte{0, 3, 12, 2, 2, 'x', 0, 1}, "xx")                               // x*
	f.Add([]byte{2, 1, 'a', 25, 1, '0', 9, 4, 11, 0, 4, 2, 0, 11, 1, 1}, "abc7") // [a-z]+\d
	f.Add([]byte{0, 2, 4, 0, 1, 1}, "")                                          // a circle of nothing
	f.Add([]byte{0, 3, 10, 10, 13, 5, 1}, "\n")                                  // two assertions, of which one holds
	f.Add([]byte{1, 1, 0, 0xff, 0xff, 0x43, 3, 13, 16, 3, 0, 0, 1}, "é\n")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		p := new(Program)
		if p.UnmarshalText([]byte(encode(raw...))) != nil {
			return
		}
		again := new(Program)
		encoded, _ := p.MarshalText()
		if err := again.UnmarshalText(encoded); err != nil || !again.Equal(p) {
			t.Fatalf("%v became %v: %v", p, again, err)
		}
		if len(p.instructions)*len(text) > 1<<16 || !utf8.ValidString(text) {
			return
		}
		if got, want := p.Match(text), slow(p, text); got != want {
			t.Errorf("%v of %q: got %v, want %v", p, text, got, want)
		}
	})
}
