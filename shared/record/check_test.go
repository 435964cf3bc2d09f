package record

import (
	"math"
	"strings"
	"testing"

	"tidemark/shared/pattern/re2"
)

func limit(v float64) *float64 { return &v }

// compiled is the check with the program of its pattern.
func compiled(c Check) Check {
	if c.Pattern != "" {
		c.Program = re2.MustCompile(c.Pattern)
	}
	return c
}

// K1: the lengths are in UTF-16 units, and a pattern is about the whole value.
func TestAValueFailsItsCheckForAReason(t *testing.T) {
	short := Check{Min: limit(2), Max: limit(4)}
	for _, c := range []struct {
		check Check
		value any
		want  string
	}{
		{short, "a", "it is shorter than 2 UTF-16 units"},
		{short, "ab", ""},
		{short, "abcd", ""},
		{short, "abcde", "it is longer than 4 UTF-16 units"},
		{short, "ääää", ""},
		{short, "🍉🍉", ""},
		{short, "🍉🍉a", "it is longer than 4 UTF-16 units"},
		{short, nil, ""},
		{Check{Min: limit(-1.5), Max: limit(1e21)}, -1.5, ""},
		{Check{Min: limit(-1.5), Max: limit(1e21)}, -1.6, "it is less than -1.5"},
		{Check{Min: limit(-1.5), Max: limit(1e21)}, 2e21, "it is greater than 1000000000000000000000"},
		{Check{Enum: []any{"lead", "a b"}}, "lead", ""},
		{Check{Enum: []any{"lead", "a b"}}, "Lead", "it is none of lead, a b"},
		{Check{Enum: []any{"lead"}}, nil, ""},
		{Check{Enum: []any{1.0, 2.5}}, 2.5, ""},
		{Check{Enum: []any{1.0, 2.5}}, 2.0, "it is none of 1, 2.5"},
		{Check{Pattern: "a|b"}, "b", ""},
		{Check{Pattern: "a|b"}, "ab", "it does not match the pattern a|b"},
		{Check{Pattern: "a|b"}, "a\n", "it does not match the pattern a|b"},
		{Check{Pattern: "^a$"}, "a", ""},
		{Check{Pattern: "(?m)^a$"}, "a\nb", "it does not match the pattern (?m)^a$"},
		{Check{Pattern: "(?i)ä+"}, "Ää", ""},
		{Check{Pattern: `\d{2}`}, "", `it does not match the pattern \d{2}`},
		{Check{Max: limit(1), Pattern: "b*", Enum: []any{"b"}}, "aa", "it is longer than 1 UTF-16 units"},
		{Check{Max: limit(1), Pattern: "b*", Enum: []any{"b"}}, "a", "it does not match the pattern b*"},
		{Check{Max: limit(1), Pattern: "b*", Enum: []any{"b"}}, "", "it is none of b"},
	} {
		column := Column{Type: String, Check: compiled(c.check)}
		if _, text := c.value.(float64); text || len(c.check.Enum) > 0 && c.check.Enum[0] == 1.0 {
			column.Type = Number
		}
		if err := column.Validate(); err != nil {
			t.Fatalf("%+v: %v", c.check, err)
		}
		if got := column.Check.Fails(c.value); got != c.want {
			t.Errorf("%+v, %q: got %q, want %q", c.check, c.value, got, c.want)
		}
	}
}

func TestACheckThatMakesNoSenseIsRefused(t *testing.T) {
	for _, c := range []struct {
		column Column
		want   string
	}{
		{Column{Type: Boolean, Check: Check{Min: limit(1)}}, "a boolean takes no min, max, enum or pattern"},
		{Column{Type: Boolean, Check: Check{Enum: []any{true}}}, "a boolean takes no min, max, enum or pattern"},
		{Column{Type: Number, Check: Check{Pattern: "a"}}, "only a string takes a pattern"},
		{Column{Type: Number, Check: Check{Min: limit(2), Max: limit(1)}}, "min is greater than max"},
		{Column{Type: Number, Check: Check{Min: limit(math.NaN())}}, "min and max must be finite numbers"},
		{Column{Type: Number, Check: Check{Max: limit(math.Inf(1))}}, "min and max must be finite numbers"},
		{Column{Type: String, Check: Check{Max: limit(0.5)}}, "min and max of a string are its length: whole numbers from 0"},
		{Column{Type: String, Check: Check{Min: limit(-1)}}, "min and max of a string are its length: whole numbers from 0"},
		{Column{Type: String, Check: Check{Enum: []any{}}}, "enum is empty: no value would meet it"},
		{Column{Type: String, Check: Check{Enum: []any{"a", 1.5}}}, "enum has 1.5, which is no string"},
		{Column{Type: Number, Check: Check{Enum: []any{"a"}}}, "enum has a, which is no number"},
		{Column{Type: Number, Check: Check{Enum: []any{true}}}, "enum has true, which is no number"},
		{Column{Type: String, Check: Check{Pattern: strings.Repeat("a", MaxPattern+1)}}, "pattern is longer than 1000 bytes"},
		{Column{Type: String, Default: 1.0}, "default is 1, which is no string"},
		{Column{Type: Boolean, Default: "true"}, "default is true, which is no boolean"},
		{Column{Type: String, Default: "long", Check: Check{Max: limit(3)}}, "default fails the check: it is longer than 3 UTF-16 units"},
		{Column{Type: String, Check: compiled(Check{Pattern: strings.Repeat("a", MaxPattern)})}, ""},
		{Column{Type: String, Check: Check{Pattern: "a"}}, "pattern and program belong together: tidemark makes both from tables.toml"},
		{Column{Type: Number, Default: 2.0, Check: Check{Min: limit(2), Max: limit(2), Enum: []any{2.0}}}, ""},
		{Column{Type: Boolean, Default: false}, ""},
	} {
		got := ""
		if err := c.column.Validate(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: got %q, want %q", c.column, got, c.want)
		}
	}
}

func TestANewRowMustBringWhatFailsTheCheckWithoutIt(t *testing.T) {
	for _, c := range []struct {
		column Column
		want   bool
	}{
		{Column{Type: String}, false},
		{Column{Type: String, Check: Check{Min: limit(1)}}, true},
		{Column{Type: String, Nullable: true, Check: Check{Min: limit(1)}}, false},
		{Column{Type: String, Default: "a", Check: Check{Min: limit(1)}}, false},
		{Column{Type: Number, Check: Check{Min: limit(1)}}, true},
		{Column{Type: Number, Check: Check{Max: limit(1)}}, false},
		{Column{Type: Boolean}, false},
	} {
		if err := c.column.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := c.column.Required(); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.column, got, c.want)
		}
	}
}

func TestChecksAreEqualByTheirWords(t *testing.T) {
	list := []Check{{}, {Min: limit(1)}, {Max: limit(1)}, {Min: limit(2)}, {Enum: []any{"a"}}, {Enum: []any{"b"}}, {Enum: []any{}}, {Pattern: "a"}}
	again := []Check{{}, {Min: limit(1)}, {Max: limit(1)}, {Min: limit(2)}, {Enum: []any{"a"}}, {Enum: []any{"b"}}, {Enum: []any{}}, {Pattern: "a"}}
	for i := range list {
		for j := range again {
			if got := list[i].Equal(&again[j]); got != (i == j) {
				t.Errorf("%+v, %+v: got %v", list[i], again[j], got)
			}
		}
		if got := list[i].None(); got != (i == 0) {
			t.Errorf("%+v is none: %v", list[i], got)
		}
	}
}
