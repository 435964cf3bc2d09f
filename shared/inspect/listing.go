package inspect

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// The rows of one page.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// maxFilterBytes is how long the value of a filter may be.
const maxFilterBytes = 4 << 10

// fail returns the error of a request that cannot succeed.
func fail(format string, args ...any) error {
	return &watermelon.InputError{Reason: fmt.Sprintf(format, args...)}
}

// Known returns an error if a name is none of the known ones.
func Known(what string, names []string, known ...string) error {
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fail("unknown %s %.64q: there are %s", what, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// FindTable returns the index of the table, or an error that names it.
func FindTable(schema *record.Schema, name string) (int, error) {
	n := schema.Table(name)
	if n < 0 {
		return n, fail("unknown table %.64q", name)
	}
	return n, nil
}

// DecodeListing reads the parameters of a page of rows; get returns one, or "". X2.
func DecodeListing(schema *record.Schema, get func(name string) string) (*record.Listing, error) {
	n, err := FindTable(schema, get("table"))
	if err != nil {
		return nil, err
	}
	l := &record.Listing{Table: n, Limit: DefaultLimit}
	if text := get("limit"); text != "" {
		if l.Limit, err = strconv.Atoi(text); err != nil {
			l.Limit = 0
		}
	}
	switch get("order") {
	case "", "id":
	case "changed":
		l.Newest = true
	default:
		return nil, fail("order must be id or changed")
	}
	switch get("deleted") {
	case "":
	case "also":
		l.Deleted = record.WithDeleted
	case "only":
		l.Deleted = record.OnlyDeleted
	default:
		return nil, fail("deleted must be also or only, or absent")
	}
	if l.Filter, err = decodeFilter(&schema.Tables[n], get("column"), get("is"), get("value")); err != nil {
		return nil, err
	}
	return l, Turn(l, get("after"))
}

// Turn checks the limit of a listing, and has it begin where the page before ended.
func Turn(l *record.Listing, after string) error {
	if l.Limit < 1 || l.Limit > MaxLimit {
		return fail("limit must be an integer from 1 to %d", MaxLimit)
	}
	if after == "" {
		return nil
	}
	from, ok := parsePlace(after, l.Newest)
	if !ok {
		return fail("after must be the next of a page of the same order")
	}
	l.From = &from
	return nil
}

var comparisons = map[string]record.Comparison{
	"equal": record.Equal, "contains": record.Contains, "starts": record.Starts, "less": record.Less, "greater": record.Greater, "null": record.Null,
}

func decodeFilter(t *record.Table, column, is, value string) (f record.Filter, err error) {
	if column == "" && is == "" && value == "" {
		return f, nil
	}
	kind, known := columnType(t, column)
	if !known {
		return f, fail("unknown column %.64q of table %q", column, t.Name)
	}
	f.Column, f.Is = column, comparisons[is]
	switch {
	case f.Is == record.Anything:
		return f, fail("is must be equal, contains, starts, less, greater or null")
	case f.Is == record.Null && value != "":
		return f, fail("is=null takes no value")
	case kind != record.String && (f.Is == record.Contains || f.Is == record.Starts):
		return f, fail("is=%s is for strings, and column %q is a %s", is, column, kind)
	case kind == record.Boolean && (f.Is == record.Less || f.Is == record.Greater):
		return f, fail("is=%s is for strings and numbers, and column %q is a %s", is, column, kind)
	case len(value) > maxFilterBytes:
		return f, fail("value is longer than %d bytes", maxFilterBytes)
	case f.Is != record.Null:
		f.Value, err = filterValue(kind, strings.ToValidUTF8(value, "\uFFFD"))
	}
	return f, err
}

func filterValue(kind record.Type, text string) (any, error) {
	switch kind {
	case record.Number:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fail("value must be a number")
		}
		return v, nil
	case record.Boolean:
		if text != "true" && text != "false" {
			return nil, fail("value must be true or false")
		}
		return text == "true", nil
	}
	return text, nil
}

// columnType returns the type of a column that a filter names.
func columnType(t *record.Table, name string) (record.Type, bool) {
	switch name {
	case "id":
		return record.String, true
	case record.CreatedAt, record.UpdatedAt:
		return record.Number, true
	}
	if n := t.Column(name); n >= 0 {
		return t.Columns[n].Type, true
	}
	return record.Number, name == record.StampColumn
}

// A place in an answer is the Base64 of a byte for the order, the stamp as a varint, and the id.
const (
	byID      = 'i'
	byChanged = 'c'
)

func orderOf(newest bool) byte {
	if newest {
		return byChanged
	}
	return byID
}

// placeText is a place as JSON, or null.
func placeText(p *record.Place, newest bool) string {
	if p == nil {
		return "null"
	}
	place := append(binary.AppendVarint([]byte{orderOf(newest)}, int64(p.Stamp)), p.ID...)
	return `"` + base64.RawURLEncoding.EncodeToString(place) + `"`
}

// maxIDBytes is how long an id may be.
const maxIDBytes = 128

func parsePlace(text string, newest bool) (p record.Place, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) == 0 || b[0] != orderOf(newest) {
		return p, false
	}
	stamp, n := binary.Varint(b[1:])
	if n <= 0 || stamp < 0 || stamp > ijson.MaxInteger || !record.ValidID(b[1+n:], maxIDBytes) {
		return p, false
	}
	return record.Place{Stamp: record.Stamp(stamp), ID: string(b[1+n:])}, true
}
