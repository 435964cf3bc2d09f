//go:build !js

package wasmtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxUses is how often a statement may use common tables. SQLite copies a common table for each use, with those that it
// uses in turn. From 3.54 on it rejects a statement that names one after so many tables as D1 lets an expression be deep: 100.
const maxUses = 99

// builders are the functions of SQLite that put JSON into JSON. From 3.54 on they take the result of a scalar subquery for a
// text, even if it is JSON.
var builders = []string{"json_array", "json_object", "json_group_array", "json_group_object", "json_set", "json_insert", "json_replace",
	"jsonb_array", "jsonb_object", "jsonb_group_array", "jsonb_group_object", "jsonb_set", "jsonb_insert", "jsonb_replace"}

// passing are the functions that return one of their arguments.
var passing = []string{"iif", "ifnull", "coalesce"}

// token finds the tokens of a statement: comments, texts, quoted names, words and signs.
var token = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\pL_][\pL\pN_]*|[?$\d.]*[\d][\d.]*|\S`)

// checkStatement returns an error for a statement that SQLite 3.54 with D1's limits rejects, or answers otherwise than
// the SQLite of the tests: one with too many uses of common tables, or with JSON of a scalar subquery within JSON.
func checkStatement(sql string) error {
	var tokens []string
	for _, t := range token.FindAllString(sql, -1) {
		if !strings.HasPrefix(t, "--") && !strings.HasPrefix(t, "/*") {
			tokens = append(tokens, t)
		}
	}
	s := statement{tokens: tokens, ends: ends(tokens)}
	if n := s.uses(0, len(tokens), s.commonTables(), nil); n > maxUses {
		return fmt.Errorf("the statement uses common tables %d times, more than %d: %s", n, maxUses, sql)
	}
	if at := s.jsonOfSubquery(); at != nil {
		return fmt.Errorf("JSON of a scalar subquery in a JSON function must be within json(): %s", strings.Join(at, " "))
	}
	return nil
}

// A statement is its tokens, and where each bracket that opens is closed.
type statement struct {
	tokens []string
	ends   map[int]int
}

func ends(tokens []string) map[int]int {
	all, open := map[int]int{}, []int{}
	for i, t := range tokens {
		switch {
		case t == "(":
			open = append(open, i)
		case t == ")" && len(open) > 0:
			all[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
	}
	return all
}

// is says whether the token i is one of these words.
func (s *statement) is(i int, words ...string) bool {
	return i >= 0 && i < len(s.tokens) && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, s.tokens[i]) })
}

// commonTables returns for each common table the place of the bracket that opens its query.
func (s *statement) commonTables() map[string]int {
	all := map[string]int{}
	for i := range s.tokens {
		if !s.is(i-1, "WITH", "RECURSIVE", ",") {
			continue
		}
		at := i + 1
		if s.is(at, "(") { // the names of its columns
			at = s.ends[at] + 1
		}
		if !s.is(at, "AS") {
			continue
		}
		for at++; s.is(at, "NOT", "MATERIALIZED"); at++ {
		}
		if s.is(at, "(") && s.is(at+1, "SELECT", "WITH", "VALUES") {
			all[strings.ToLower(s.tokens[i])] = at
		}
	}
	return all
}

// uses counts the uses of common tables in the tokens from begin to end, those in the queries of the tables included.
// within are the tables whose queries have the tokens: a recursive one counts once for each use of itself.
func (s *statement) uses(begin, end int, tables map[string]int, within []string) (n int) {
	for i := begin; i < end; i++ {
		if s.defines(i, tables) {
			i = s.ends[i]
			continue
		}
		name := strings.ToLower(s.tokens[i])
		at, known := tables[name]
		if !known || !s.is(i-1, "FROM", "JOIN", "IN", ",") || s.is(i+1, "(", ".") || s.is(i+1, "AS") && s.is(i+2, "MATERIALIZED", "NOT", "(") {
			continue
		}
		n++
		if !slices.Contains(within, name) && len(within) < len(tables) {
			n += s.uses(at+1, s.ends[at], tables, append(within, name))
		}
	}
	return n
}

// defines says whether the query of a common table begins at i.
func (s *statement) defines(i int, tables map[string]int) bool {
	for _, at := range tables {
		if at == i {
			return true
		}
	}
	return false
}

// jsonOfSubquery returns the tokens of the first scalar subquery that gives JSON to one of builders, or nil.
func (s *statement) jsonOfSubquery() []string {
	var calls []string // the function of each open bracket, "" for those that only group, "SELECT" for a query
	for i, t := range s.tokens {
		switch {
		case t == "(" && s.is(i+1, "SELECT", "WITH"):
			if s.gives(i) && embeds(calls) && !s.is(i-1, "IN", "EXISTS") {
				return s.tokens[i : s.ends[i]+1]
			}
			calls = append(calls, "SELECT")
		case t == "(" && i > 0:
			calls = append(calls, s.function(i-1))
		case t == "(":
			calls = append(calls, "")
		case t == ")" && len(calls) > 0:
			calls = calls[:len(calls)-1]
		}
	}
	return nil
}

// function returns the name of the function whose bracket follows the token i, or "" if that is a keyword or a sign.
func (s *statement) function(i int) string {
	name := strings.ToLower(s.tokens[i])
	if slices.Contains(keywords, name) || !unicode.IsLetter(rune(name[0])) {
		return ""
	}
	return name
}

// keywords are those that a bracket may follow, which then only groups.
var keywords = []string{"and", "or", "not", "then", "else", "when", "case", "select", "as", "in", "by", "where", "on", "distinct", "from"}

// gives says whether the query in a bracket selects JSON: whether its first value is a call of a function of JSON.
func (s *statement) gives(open int) bool {
	for i := open + 1; i < s.ends[open]; i++ {
		if end, ok := s.ends[i]; ok {
			i = end
			continue
		}
		if s.is(i, "SELECT") && s.is(i+2, "(") && (s.is(i+1, builders...) || s.is(i+1, "json", "json_patch", "json_remove", "json_quote")) {
			return true
		}
	}
	return false
}

// embeds says whether the innermost call, but for passing ones, is of one of builders.
func embeds(calls []string) bool {
	for _, name := range slices.Backward(calls) {
		if name != "" && !slices.Contains(passing, name) {
			return slices.Contains(builders, name)
		}
	}
	return false
}
