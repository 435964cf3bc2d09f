package project

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/record"
)

// A FieldError is one thing that is wrong with an input, and where: the name
// of a field, or a path like changes.tasks.created[2].name.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// An InputError is an input that breaks rules: sending it again cannot
// succeed. It has at least one error.
type InputError struct{ Errors []FieldError }

func (e *InputError) Error() string {
	return fmt.Sprintf("%s: %s", e.Errors[0].Field, e.Errors[0].Message)
}

// Refuse returns an InputError about one field.
func Refuse(field, format string, args ...any) *InputError {
	return &InputError{Errors: []FieldError{{field, fmt.Sprintf(format, args...)}}}
}

// A Value is a field and its new value: nil, a string, a float64, a bool,
// []int for Days or []string for Dates.
type Value struct {
	Field *Field
	Value any
}

// Scalar returns the value as the database keeps it: an array is its JSON text.
func (v Value) Scalar() any {
	switch v.Field.Kind {
	case Days, Dates:
		text, _ := jsonvalue.Marshal(v.Value)
		return string(text)
	}
	return v.Value
}

// ValidID says whether id can be the id of a row: a UUID, or an id that WatermelonDB
// makes: up to 64 letters, digits, "_", "." and "-", a letter or digit first.
func ValidID(id string) bool {
	return record.ValidID(id, maxIDBytes) && id[0] != '_' && id[0] != '.' && id[0] != '-'
}

const maxIDBytes = 64

// ValidUUID says whether s is a UUID, in either case.
func ValidUUID(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if c-'0' >= 10 && c|0x20-'a' >= 6 {
				return false
			}
		}
	}
	return len(s) == len("00000000-0000-0000-0000-000000000000")
}

// DecodeID reads the JSON of an id.
func DecodeID(raw jsonvalue.RawMessage) (id, problem string) {
	id, ok := decodeString(raw)
	if !ok || !ValidID(id) {
		return "", `must be an id: a string of at most 64 letters, digits, "_", "." and "-"`
	}
	return id, ""
}

// Decode reads the JSON of a value. The problem says what is wrong with it, and
// is "" if nothing is.
func (f *Field) Decode(raw jsonvalue.RawMessage) (v any, problem string) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		if f.Nullable {
			return nil, ""
		}
		return nil, "must not be null"
	}
	switch f.Kind {
	case Text, Date, Choice, Ref:
		s, ok := decodeString(raw)
		if !ok {
			return nil, "must be a string"
		}
		return s, f.checkText(s)
	case Integer, Number:
		s := ijson.NewScanner(raw, 0)
		if s.Kind() != ijson.Number {
			return nil, "must be a number"
		}
		_, n := s.Number()
		switch {
		case s.End() != nil || n < f.Min || n > f.Max:
			return nil, fmt.Sprintf("must be from %s to %s", plain(f.Min), plain(f.Max))
		case f.Kind == Integer && n != math.Trunc(n):
			return nil, "must be a whole number"
		}
		return n + 0, "" // not -0
	case Boolean:
		switch string(raw) {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
		return nil, "must be true or false"
	case Days:
		var days []int
		if raw[0] != '[' || jsonvalue.Unmarshal(raw, &days) != nil || len(days) > 7 ||
			slices.ContainsFunc(days, func(d int) bool { return d < 1 || d > 7 }) || repeats(days) {
			return nil, "must be an array of weekdays, 1 (Monday) to 7, each at most once"
		}
		slices.Sort(days)
		return days, ""
	default: // Dates
		var dates []string
		if raw[0] != '[' || jsonvalue.Unmarshal(raw, &dates) != nil || len(dates) > MaxExceptions ||
			!validDates(dates) || repeats(dates) {
			return nil, fmt.Sprintf("must be an array of at most %d dates, each at most once", MaxExceptions)
		}
		slices.Sort(dates)
		return dates, ""
	}
}

// Says describes the valid values of the field.
func (f *Field) Says() string {
	switch f.Kind {
	case Text:
		return fmt.Sprintf("%d to %d characters", int(f.Min), int(f.Max))
	case Date:
		return "a date like 2026-02-28"
	case Integer:
		return fmt.Sprintf("a whole number from %s to %s", plain(f.Min), plain(f.Max))
	case Number:
		return fmt.Sprintf("a number from %s to %s", plain(f.Min), plain(f.Max))
	case Boolean:
		return "true or false"
	case Choice:
		return "one of " + strings.Join(f.Choices, ", ")
	case Ref:
		if f.To == Memberships {
			return "the user_id of a member"
		}
		return "the id of a live " + Find(f.To).Title + " of the project"
	case Days:
		return "an array of weekdays, 1 (Monday) to 7"
	default: // Dates
		return fmt.Sprintf("an array of at most %d dates", MaxExceptions)
	}
}

// DefaultJSON is the Default as JSON.
func (f *Field) DefaultJSON() string {
	if text, ok := f.Default.(string); ok && (f.Kind == Days || f.Kind == Dates) {
		return text
	}
	text, _ := jsonvalue.Marshal(f.Default) // a literal of Collections
	return string(text)
}

func (f *Field) checkText(s string) (problem string) {
	switch f.Kind {
	case Text:
		switch n := utf8.RuneCountInString(s); {
		case n < int(f.Min):
			return "must not be empty"
		case n > int(f.Max):
			return fmt.Sprintf("must have at most %d characters", int(f.Max))
		case strings.Contains(s, "\x00"):
			return "must not hold the character U+0000"
		}
	case Date:
		if !validDate(s) {
			return "must be a date like 2026-02-28"
		}
	case Choice:
		if !slices.Contains(f.Choices, s) {
			return "must be one of " + strings.Join(f.Choices, ", ")
		}
	case Ref:
		if f.To == Memberships {
			if n := utf8.RuneCountInString(s); n < 1 || n > MaxUserChars || strings.Contains(s, "\x00") {
				return "must be the user_id of a member"
			}
		} else if !ValidID(s) {
			return "must be the id of a " + Find(f.To).Title
		}
	}
	return ""
}

func validDate(s string) bool {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
		return false
	}
	year, month, day := digits(s[:4]), digits(s[5:7]), digits(s[8:])
	if year < 0 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= 28 || day == time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day()
}

// digits is the number that s writes, or -1 if it has anything but digits.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]-'0' >= 10 {
			return -1
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}

func validDates(dates []string) bool {
	return !slices.ContainsFunc(dates, func(d string) bool { return !validDate(d) })
}

func repeats[T comparable](list []T) bool {
	seen := make(map[T]bool, len(list))
	for _, v := range list {
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
