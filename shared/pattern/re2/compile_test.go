package re2

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"tidemark/shared/pattern"
)

// atoms are what random expressions are made of.
var atoms = []string{
	"a", "b", "k", "s", "é", "-", "0", "_", " ", `\n`, ".", "[ab]", "[^a]", "[a-k]", "[^\\n]", `\d`, `\D`, `\w`, `\W`, `\s`, `\S`,
	`\pL`, `\PL`, `\p{Lu}`, `\p{Greek}`, `[\pL\d_-]`, `[^\pL]`, "[[:alpha:]]", `[\x{D800}-\x{FFFD}]`, `\x{FFFD}`, "ſ", "K", "ß", "Σ", "[^\\x00-\\x{10FFFF}]",
	"^", "$", `\A`, `\z`, `\b`, `\B`, "(?m:^)", "(?m:$)", "(?s:.)", "(?i:k)", "(?i:s)", "(?i:[a-k])", "(?i:σ)", "(?i:ß)", "", "()", `\Qa.b\E`, "ab", "aa",
}

// expression returns a random expression, which may be invalid: too many repetitions.
func expression(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(6) == 0 {
		return atoms[r.IntN(len(atoms))]
	}
	sub := func() string { return expression(r, depth-1) }
	switch r.IntN(8) {
	case 0, 1, 2:
		return sub() + sub()
	case 3:
		return "(" + sub() + "|" + sub() + ")"
	case 4:
		return "(?i:" + sub() + ")"
	case 5:
		return "(?:" + sub() + fmt.Sprintf("){%d,%d}", r.IntN(3), 2+r.IntN(3))
	}
	return "(?:" + sub() + ")" + []string{"*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0}"}[r.IntN(9)]
}

var letters = []string{"a", "b", "A", "B", "k", "K", "K", "s", "S", "ſ", "é", "É", "ß", "ẞ", "σ", "ς", "Σ", "0", "7", "_", "-", " ", "\n", ".", "\x00", "�", "世", "😀", "\xff", "a", "a", "ab"}

func text(r *rand.Rand) string {
	var b strings.Builder
	some := 1 + r.IntN(len(letters)) // few letters match more often
	for range r.IntN(7) {
		b.WriteString(letters[(r.IntN(some)+some*7)%len(letters)])
	}
	return b.String()
}

func TestAProgramMatchesWhatRegexpMatches(t *testing.T) {
	const seed = 14
	r := rand.New(rand.NewPCG(seed, 0))
	matched, total := 0, 0
	for range 20_000 {
		e := expression(r, 4)
		whole, err := regexp.Compile(`\A(?:` + e + `)\z`)
		program, failure := Compile(e)
		if (err == nil) != (failure == nil) {
			t.Fatalf("seed %d: %q: got %v, want %v", seed, e, failure, err)
		}
		if err != nil {
			continue
		}
		encoded, _ := program.MarshalText()
		read := new(pattern.Program)
		if err := read.UnmarshalText(encoded); err != nil || !read.Equal(program) {
			t.Fatalf("seed %d: %q became %v: %v", seed, e, read, err)
		}
		for range 20 {
			s := text(r)
			want := whole.MatchString(s)
			if got := read.Match(s); got != want {
				t.Fatalf("seed %d: %q of %q: got %v, want %v", seed, e, s, got, want)
			}
			if total++; want {
				matched++
			}
		}
	}
	if matched < total/20 {
		t.Errorf("only %d of %d texts match: this proves little", matched, total)
	}
}

func TestAProgramOfEachClassMatchesWhatRegexpMatches(t *testing.T) {
	for _, e := range append(atoms, `(?i)\pL`, `(?i)\PL`, `(?i)[^k]`, `(?i)[α-ω]`, `(?i)\x{1E9E}`) {
		whole, program := regexp.MustCompile(`\A(?:`+e+`)\z`), MustCompile(e)
		for r := rune(0); r <= 0x11000; r++ {
			if s := string(r); program.Match(s) != whole.MatchString(s) {
				t.Fatalf("%q of %q: got %v", e, s, program.Match(s))
			}
		}
	}
}

func TestCompileRejects(t *testing.T) {
	for e, want := range map[string]string{
		"(a":             "pattern is no RE2 expression: missing closing ): `(a`",
		"a)|(b":          "pattern is no RE2 expression: unexpected ): `a)|(b`",
		"(?=a)":          "pattern is no RE2 expression: invalid or unsupported Perl syntax: `(?=`",
		`(a)\1`:          "pattern is no RE2 expression: invalid escape sequence: `\\1`",
		"a{1001}":        "pattern is no RE2 expression: invalid repeat count: `{1001}`",
		"(a{100}){100}":  "pattern is no RE2 expression: invalid repeat count: `{100}`",
		"(abcdef){1000}": "pattern is too large: its program has 6001 instructions, and may have 1 to 4000",
		`a[\pL]b[\pL1]c[\pL2]d[\pL3]e[\pL4][\pL5][\pL6][\pL7][\pL8][\pL9][\pL_][\pL-][\pL+][\pL,][\pL.][\pL;][\pL:][\pL ]`: "pattern is too large: its program has ",
		"\xff": "pattern is no RE2 expression: invalid UTF-8: `\xff`",
	} {
		if _, err := Compile(e); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", e, err, want)
		}
	}
}

func TestAClassThatOccursOftenIsThereOnce(t *testing.T) {
	once, _ := MustCompile(`\pL`).MarshalText()
	often, _ := MustCompile(`\pL{1,100}`).MarshalText()
	if len(often) > len(once)+1000 {
		t.Errorf("once %d bytes, often %d", len(once), len(often))
	}
}

// TestATextTakesOneWayThroughIt has expressions that take a matcher that goes back a time that
// no test waits for.
func TestATextTakesOneWayThroughIt(t *testing.T) {
	for e, c := range map[string]struct {
		text string
		want bool
	}{
		"(a*)*b":               {strings.Repeat("a", 100_000), false},
		"(a|aa)+":              {strings.Repeat("a", 100_000) + "b", false},
		"(x+x+)+y":             {strings.Repeat("x", 100_000), false},
		"(a?){100}a{100}":      {strings.Repeat("a", 100), true},
		"((a?)*)*":             {strings.Repeat("a", 100_000), true},
		"(((a{30}){30})*|b)*c": {strings.Repeat("a", 90_000), false},
	} {
		if got := MustCompile(e).Match(c.text); got != c.want {
			t.Errorf("%q: got %v, want %v", e, got, c.want)
		}
	}
}

func TestMatchOfASmallProgramAllocatesNothing(t *testing.T) {
	small, large := MustCompile(`[^@ ]+@[^@ ]+\.[a-z]{2,}`), MustCompile("a{0,1000}")
	for p, want := range map[*pattern.Program]float64{small: 0, large: 1} {
		if got := testing.AllocsPerRun(100, func() { p.Match("somebody@example.com") }); got > want {
			t.Errorf("%v allocations, want %v", got, want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for name, c := range map[string][2]string{
		"mail":  {`[^@ ]+@[^@ ]+\.[a-z]{2,}`, "somebody.of.a.long.name@mail.example.com"},
		"uuid":  {`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
		"name":  {`\pL[\pL '-]{0,63}`, "Jürgen O'Hara-Łukasiewicz"},
		"phone": {`(?i)\+?[0-9 ]+(x|ext)?[0-9]*`, "+49 30 901820 EXT12"},
		"long":  {`(?s).*`, strings.Repeat("a longer text ", 100)},
	} {
		program, whole := MustCompile(c[0]), regexp.MustCompile(`\A(?:`+c[0]+`)\z`)
		for by, match := range map[string]func(string) bool{"pattern": program.Match, "regexp": whole.MatchString} {
			b.Run(name+"/"+by, func(b *testing.B) {
				b.SetBytes(int64(len(c[1])))
				b.ReportAllocs()
				for b.Loop() {
					if !match(c[1]) {
						b.Fatal("no match")
					}
				}
			})
		}
	}
}
