package tables

import (
	"math"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"tidemark/shared/record"
)

// kindOf names the kind of a value, for an error.
func kindOf(n *node) string {
	switch n.kind {
	case unstable.String:
		return "a string"
	case unstable.Integer, unstable.Float:
		return "a number"
	case unstable.Bool:
		return "a boolean"
	case unstable.Array:
		return "an array"
	case unstable.Table:
		return "a table"
	}
	return "a date or time"
}

// text reads a string into v. If the value is not a string, text reports that and returns false.
func (p *parsing) text(m member, v *string) bool {
	if m.value.kind != unstable.String {
		p.fail(m.line, "%s must be a string, not %s", m.key, kindOf(m.value))
		return false
	}
	*v = m.value.text
	return true
}

// maxVersion is the highest version that a schema may have. schema.ts needs a migration for each
// version.
const maxVersion = 9999

// version reads a version of the schema.
func (p *parsing) version(m member) (record.Version, bool) {
	v, exact := number(m.value)
	if m.value.kind != unstable.Integer || !exact || v < 1 || v > maxVersion {
		got := m.value.text
		if m.value.kind != unstable.Integer {
			got = kindOf(m.value)
		}
		p.fail(m.line, "%s must be a whole number from 1 to %d, not %s", m.key, maxVersion, got)
		return 0, false
	}
	return record.Version(v), true
}

// since reads the version that brought a table or a column, which is at least that one.
func (p *parsing) since(m member, least record.Version) record.Version {
	v, ok := p.version(m)
	switch {
	case !ok:
		return 0
	case v > p.result.Version:
		p.fail(m.line, "since is %d, above the version %d of the schema: raise version, or lower since", v, p.result.Version)
		return 0
	case v < least:
		p.fail(m.line, "since is %d, below the %d of its table", v, least)
		return 0
	}
	return v
}

// number returns the value of a TOML number, and whether the value is finite and exact.
func number(n *node) (v float64, exact bool) {
	text := strings.ReplaceAll(n.text, "_", "")
	switch n.kind {
	case unstable.Integer:
		i, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), 0, 64)
		const most = 1 << 53
		return float64(i), err == nil && -most <= i && i <= most
	case unstable.Float:
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	}
	return 0, false
}

// bound reads min or max.
func (p *parsing) bound(m member) *float64 {
	v, exact := number(m.value)
	if !exact {
		p.fail(m.line, "%s must be a number that a float64 holds, not %s", m.key, shown(m.value))
		return nil
	}
	return &v
}

// values of the type t, read from a default or from an item of an enum; what says which, for an error.
func (p *parsing) valueOf(line int, n *node, t record.Type, what string) (any, bool) {
	switch v, exact := number(n); {
	case t == record.String && n.kind == unstable.String:
		if strings.ContainsFunc(n.text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			p.fail(line, "%s %q, which has a control character", what, n.text)
			return nil, false
		}
		return n.text, true
	case t == record.Number && exact:
		return v, true
	case t == record.Boolean && n.kind == unstable.Bool:
		return n.text == "true", true
	}
	p.fail(line, "%s %s, which is no %s", what, shown(n), t)
	return nil, false
}

// shown is a value as it stands in an error.
func shown(n *node) string {
	switch n.kind {
	case unstable.String:
		return strconv.Quote(n.text)
	case unstable.Array, unstable.Table:
		return kindOf(n)
	}
	return n.text
}
