package record

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tidemark/shared/pattern"
)

// A Check is what the values of a column must meet. Null meets every check.
type Check struct {
	// Min and Max bound a number, or how many UTF-16 units a string has; nil: no bound.
	Min, Max *float64
	// Enum are the allowed values, strings or float64s; nil: any.
	Enum []any
	// Pattern is an RE2 expression that a whole string must match; "": none.
	Pattern string
	// Program is Pattern as package re2 compiled it; nil: none.
	Program *pattern.Program

	// Made by prepare. The reasons are made once: many rows may fail.
	tooSmall, tooGreat, unlike, unlisted string
}

// None says whether every value meets the check.
func (c *Check) None() bool {
	return c.Min == nil && c.Max == nil && c.Enum == nil && c.Pattern == ""
}

// Equal says whether two checks allow the same by the same words.
func (c *Check) Equal(other *Check) bool {
	bound := func(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }
	return bound(c.Min, other.Min) && bound(c.Max, other.Max) && slices.Equal(c.Enum, other.Enum) &&
		(c.Enum == nil) == (other.Enum == nil) && c.Pattern == other.Pattern &&
		c.Program.Equal(other.Program)
}

// prepare makes the check of a column of that type ready for use. It returns an error if the
// check makes no sense for the type.
func (c *Check) prepare(t Type) error {
	switch {
	case t == Boolean && !c.None():
		return errors.New("a boolean takes no min, max, enum or pattern")
	case t != String && c.Pattern != "":
		return errors.New("only a string takes a pattern")
	case c.Min != nil && c.Max != nil && *c.Min > *c.Max:
		return errors.New("min is greater than max")
	case c.Enum != nil && len(c.Enum) == 0:
		return errors.New("enum is empty: no value would meet it")
	}
	for _, bound := range []*float64{c.Min, c.Max} {
		switch {
		case bound == nil:
		case math.IsNaN(*bound) || math.IsInf(*bound, 0):
			return errors.New("min and max must be finite numbers")
		case t == String && (*bound < 0 || *bound != math.Trunc(*bound)):
			return errors.New("min and max of a string are its length: whole numbers from 0")
		}
	}
	for _, v := range c.Enum {
		_, text := v.(string)
		if _, numeric := v.(float64); text != (t == String) || numeric != (t == Number) {
			return fmt.Errorf("enum has %v, which is no %s", v, t)
		}
	}
	switch {
	case len(c.Pattern) > MaxPattern:
		return fmt.Errorf("pattern is longer than %d bytes", MaxPattern)
	case (c.Pattern != "") != (c.Program != nil):
		return errors.New("pattern and program belong together: tidemark makes both from tables.toml")
	}
	c.explain(t)
	return nil
}

// MaxPattern is how many bytes a pattern may have.
const MaxPattern = 1000

// maxShown is how many bytes of a pattern, or of a list of values, a reason shows.
const maxShown = 100

// explain makes the reasons.
func (c *Check) explain(t Type) {
	great, small, unit := "it is greater than ", "it is less than ", ""
	if t == String {
		great, small, unit = "it is longer than ", "it is shorter than ", " UTF-16 units"
	}
	if c.Max != nil {
		c.tooGreat = great + number(*c.Max) + unit
	}
	if c.Min != nil {
		c.tooSmall = small + number(*c.Min) + unit
	}
	c.unlike = "it does not match the pattern " + shown(c.Pattern)
	var allowed []string
	for _, v := range c.Enum {
		if n, ok := v.(float64); ok {
			allowed = append(allowed, number(n))
		} else {
			allowed = append(allowed, fmt.Sprint(v))
		}
	}
	c.unlisted = "it is none of " + shown(strings.Join(allowed, ", "))
}

// shown is a text as a reason shows it.
func shown(text string) string {
	if len(text) <= maxShown {
		return text
	}
	end := maxShown
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// Fails returns why a value does not meet the check of a schema that was validated, or "". The
// value is nil, a string or a float64. docs/protocol.md, K1.
func (c *Check) Fails(v any) string {
	size := 0.0
	switch v := v.(type) {
	case string:
		size = float64(utf16Units(v))
	case float64:
		size = v
	default:
		return ""
	}
	text, _ := v.(string)
	switch {
	case c.Max != nil && size > *c.Max:
		return c.tooGreat
	case c.Min != nil && size < *c.Min:
		return c.tooSmall
	case c.Program != nil && !c.Program.Match(text):
		return c.unlike
	case c.Enum != nil && !slices.Contains(c.Enum, v):
		return c.unlisted
	}
	return ""
}

// utf16Units is how many UTF-16 units a text has, as JavaScript counts its length.
func utf16Units(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
