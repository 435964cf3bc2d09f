package record

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A Check is what the values of a column must meet. Null meets every check.
type Check struct {
	// Min and Max bound a number, or how many UTF-16 units a string has; nil: no bound.
	Min, Max *float64
	// Enum are the allowed values, strings or float64s; nil: any.
	Enum []any
	// Pattern is an RE2 expression that a whole string must match; "": none.
	Pattern string

	expression *regexp.Regexp // of Pattern, made by compile
}

// None says whether every value meets the check.
func (c *Check) None() bool {
	return c.Min == nil && c.Max == nil && c.Enum == nil && c.Pattern == ""
}

// Equal says whether two checks allow the same by the same words.
func (c *Check) Equal(other *Check) bool {
	bound := func(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }
	return bound(c.Min, other.Min) && bound(c.Max, other.Max) && slices.Equal(c.Enum, other.Enum) &&
		(c.Enum == nil) == (other.Enum == nil) && c.Pattern == other.Pattern
}

// compile prepares the check of a column of that type. It returns an error if the check
// makes no sense for the type.
func (c *Check) compile(t Type) error {
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
	if c.Pattern != "" {
		if len(c.Pattern) > maxPattern {
			return fmt.Errorf("pattern is longer than %d bytes", maxPattern)
		}
		_, err := regexp.Compile(c.Pattern) // alone, so that it does not end the group below
		if err == nil {
			c.expression, err = regexp.Compile(`\A(?:` + c.Pattern + `)\z`)
		}
		if err != nil {
			return fmt.Errorf("pattern is no RE2 expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
	}
	return nil
}

// maxPattern is how many bytes a pattern may have.
const maxPattern = 1000

// Fails returns why a value does not meet the check, or "". The value is nil, a string or
// a float64. docs/protocol.md, K1.
func (c *Check) Fails(v any) string {
	switch v := v.(type) {
	case string:
		if c.Min != nil || c.Max != nil {
			units := float64(len(utf16.Encode([]rune(v))))
			switch {
			case c.Max != nil && units > *c.Max:
				return fmt.Sprintf("it is longer than %s UTF-16 units", number(*c.Max))
			case c.Min != nil && units < *c.Min:
				return fmt.Sprintf("it is shorter than %s UTF-16 units", number(*c.Min))
			}
		}
		if c.expression != nil && !c.expression.MatchString(v) {
			return "it does not match the pattern " + c.Pattern
		}
	case float64:
		switch {
		case c.Max != nil && v > *c.Max:
			return "it is greater than " + number(*c.Max)
		case c.Min != nil && v < *c.Min:
			return "it is less than " + number(*c.Min)
		}
	default:
		return ""
	}
	if c.Enum != nil && !slices.Contains(c.Enum, v) {
		return "it is none of " + c.allowed()
	}
	return ""
}

// allowed are the values of Enum, for an error.
func (c *Check) allowed() string {
	var list []string
	for _, v := range c.Enum {
		if n, ok := v.(float64); ok {
			list = append(list, number(n))
		} else {
			list = append(list, fmt.Sprint(v))
		}
	}
	return strings.Join(list, ", ")
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
