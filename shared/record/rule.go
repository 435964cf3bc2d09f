package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Rule says which rows of a table a caller may read, or may write: those for which one
// of its terms holds. Nil is the rule all.
type Rule []Term

// A Term is one term of a rule.
type Term struct {
	Kind   TermKind
	Column string // on the wire, or id: of ColumnIs and ColumnIn
	Claim  string // the path of a claim of the token; of HasScope: the word
}

// A TermKind says when a term holds.
type TermKind int

// The kinds of terms. docs/protocol.md, section Rules.
const (
	Everybody TermKind = iota // always
	Nobody                    // never
	HasScope                  // the scope of the token names the word
	ColumnIs                  // the column has the string that the claim is
	ColumnIn                  // the column has one of the strings of the array that the claim is
)

// Subject is the claim that names the caller.
const Subject = "sub"

// MaxTerms is how many terms a rule may have.
const MaxTerms = 16

// ParseRule reads a rule: all, none, scope NAME, COLUMN = CLAIM, COLUMN in CLAIM, or several
// of them with the word or between.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New(`a rule is empty: "none" lets nobody`)
	}
	var rule Rule
	for len(words) > 0 {
		end := slices.Index(words, "or")
		if end < 0 {
			end = len(words)
		}
		term, err := parseTerm(words[:end])
		if err != nil {
			return nil, err
		}
		if rule = append(rule, term); end == len(words) {
			break
		}
		if words = words[end+1:]; len(words) == 0 {
			return nil, errors.New(`the rule ends with "or"`)
		}
	}
	if slices.ContainsFunc(rule, func(t Term) bool { return t.Kind == Everybody }) {
		return nil, nil
	}
	if len(rule) > MaxTerms {
		return nil, fmt.Errorf("the rule has %d terms, and may have %d", len(rule), MaxTerms)
	}
	return rule, nil
}

func parseTerm(words []string) (Term, error) {
	switch {
	case len(words) == 1 && words[0] == "all":
		return Term{}, nil
	case len(words) == 1 && words[0] == "none":
		return Term{Kind: Nobody}, nil
	case len(words) == 2 && words[0] == "scope":
		return Term{Kind: HasScope, Claim: words[1]}, nil
	case len(words) == 3 && words[1] == "=":
		return Term{Kind: ColumnIs, Column: words[0], Claim: words[2]}, nil
	case len(words) == 3 && words[1] == "in":
		return Term{Kind: ColumnIn, Column: words[0], Claim: words[2]}, nil
	}
	return Term{}, fmt.Errorf("%q is no term of a rule: write all, none, scope NAME, COLUMN = CLAIM or COLUMN in CLAIM, with or between several", strings.Join(words, " "))
}

// String returns the rule as ParseRule reads it.
func (r Rule) String() string {
	if r == nil {
		return "all"
	}
	var terms []string
	for _, t := range r {
		switch t.Kind {
		case Everybody:
			terms = append(terms, "all")
		case Nobody:
			terms = append(terms, "none")
		case HasScope:
			terms = append(terms, "scope "+t.Claim)
		case ColumnIs:
			terms = append(terms, t.Column+" = "+t.Claim)
		case ColumnIn:
			terms = append(terms, t.Column+" in "+t.Claim)
		}
	}
	return strings.Join(terms, " or ")
}

// Columns are the columns that the rule compares, each once, without id.
func (r Rule) Columns() (names []string) {
	for _, t := range r {
		if t.Column != "" && t.Column != "id" && !slices.Contains(names, t.Column) {
			names = append(names, t.Column)
		}
	}
	return names
}

// Validate returns an error if the rule compares something that is no string column of t.
func (r Rule) Validate(t *Table) error {
	for _, term := range r {
		if term.Kind != ColumnIs && term.Kind != ColumnIn || term.Column == "id" {
			continue
		}
		switch c := t.Column(term.Column); {
		case c < 0:
			return fmt.Errorf("it names the column %s, which the table does not have", term.Column)
		case t.Columns[c].Type != String:
			return fmt.Errorf("it compares the column %s, which is a %s: a claim is a string", term.Column, t.Columns[c].Type)
		}
	}
	return nil
}

// A Caller is who reads or writes, as far as a rule can ask.
type Caller struct {
	Subject string // the claim sub; "": the token has none
	Words   string // of the token's scope, with blanks between
	Claims  string // a JSON object of the claims that Schema.Claims names, by these names; "": none
}

// Claims returns the claims beside sub that the rules of the schema name, sorted. A server
// keeps them of a token.
func (s *Schema) Claims() (names []string) {
	for i := range s.Tables {
		for _, rule := range []Rule{s.Tables[i].Read, s.Tables[i].Write} {
			for _, t := range rule {
				if (t.Kind == ColumnIs || t.Kind == ColumnIn) && t.Claim != Subject {
					names = append(names, t.Claim)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Guarded says whether the server may reject a row of the table, or not show it.
func (t *Table) Guarded() bool {
	return t.Read != nil || t.Write != nil || slices.ContainsFunc(t.Columns, func(c Column) bool { return !c.Check.None() })
}
