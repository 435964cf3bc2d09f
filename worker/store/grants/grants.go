// Package grants turns the rules of tables into SQL conditions. What a rule asks of the caller
// is one parameter of a statement, a JSON array: no text of a caller is put into SQL.
package grants

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// Param stands in a condition for the parameter with the grants of the caller. In replaces it.
const Param = "$grants"

// Who is the subject of the caller in SQL; ” if the token has none.
const Who = "ifnull(" + Param + " ->> 0, '')"

// In returns SQL whose grants are the n-th parameter.
func In(sql string, n int) string { return strings.ReplaceAll(sql, Param, fmt.Sprint("?", n)) }

// A slot is something that a rule asks of the caller: an element of the parameter.
type slot struct {
	kind  record.TermKind // HasScope, ColumnIs or ColumnIn
	claim string
}

// A Plan is what the rules of a schema ask.
type Plan struct {
	slots []slot
	read  []bool // of each slot: a rule read asks it
	rules string // the rules read, with their tables
}

// New returns the plan of a valid schema.
func New(schema *record.Schema) *Plan {
	p := &Plan{slots: []slot{{record.ColumnIs, record.Subject}}, read: []bool{true}}
	for i := range schema.Tables {
		t := &schema.Tables[i]
		for _, term := range t.Write {
			p.add(term)
		}
		if t.Read == nil {
			continue
		}
		for _, term := range t.Read {
			if n := p.add(term); n >= 0 {
				p.read[n] = true
			}
		}
		p.rules += t.SQL + " " + t.Read.String() + "\n"
	}
	return p
}

// Reads says whether a table has a rule read.
func (p *Plan) Reads() bool { return p.rules != "" }

// add returns the slot of a term, or -1 if the term asks nothing of the caller.
func (p *Plan) add(t record.Term) int {
	if t.Claim == "" {
		return -1
	}
	s := slot{t.Kind, t.Claim}
	n := slices.Index(p.slots, s)
	if n < 0 {
		n = len(p.slots)
		p.slots, p.read = append(p.slots, s), append(p.read, false)
	}
	return n
}

// Holds returns the condition that a rule holds for a row. column returns the SQL of a
// column, or of id. The condition is NULL instead of false if a column or a claim is.
func (p *Plan) Holds(rule record.Rule, column func(name string) string) string {
	return p.condition(rule, func(t record.Term, n int) string {
		switch t.Kind {
		case record.HasScope:
			return fmt.Sprintf("%s ->> %d = 1", Param, n)
		case record.ColumnIs:
			return fmt.Sprintf("%s = %s ->> %d", column(t.Column), Param, n)
		}
		return fmt.Sprintf("%s IN (SELECT g.value FROM json_each(%s, '$[%d]') AS g)", column(t.Column), Param, n)
	})
}

// HoldsStored is Holds for the stored row of an alias. Each term is one by which SQLite finds rows
// by an index: whoever does not have the scope of a rule reads only the rows of its other terms.
func (p *Plan) HoldsStored(rule record.Rule, alias string, column func(name string) string) string {
	return p.condition(rule, func(t record.Term, n int) string {
		if t.Kind == record.HasScope {
			return fmt.Sprintf("%s.stamp > iif(%s ->> %d = 1, -1, %d)", alias, Param, n, ijson.MaxInteger)
		}
		return p.Holds(record.Rule{t}, column)
	})
}

// Could returns the condition that a rule could hold for some row that has this id.
func (p *Plan) Could(rule record.Rule, id string) string {
	return p.condition(rule, func(t record.Term, n int) string {
		switch {
		case t.Kind == record.HasScope, t.Column == "id":
			return p.Holds(record.Rule{t}, func(string) string { return id })
		case t.Kind == record.ColumnIs:
			return fmt.Sprintf("%s ->> %d IS NOT NULL", Param, n)
		}
		return fmt.Sprintf("json_array_length(%s, '$[%d]') > 0", Param, n)
	})
}

// condition joins the conditions of the terms. ask returns that of a term that asks something of
// the caller.
func (p *Plan) condition(rule record.Rule, ask func(t record.Term, n int) string) string {
	if rule == nil {
		return "true"
	}
	var terms []string
	for _, t := range rule {
		n := p.add(t)
		switch t.Kind {
		case record.Everybody:
			terms = append(terms, "true")
		case record.Nobody:
			terms = append(terms, Param+" IS NULL") // never, and the statement has the parameter
		default:
			terms = append(terms, ask(t, n))
		}
	}
	return "(" + store.Balanced(" OR ", terms) + ")"
}

// Bind returns the grants of a caller, the parameter of conditions: a string, null or 1 of a
// slot, or an array of strings. A claim of another type, and an empty string, count as absent.
// A sum, if it is given, follows in the slot SumSlot.
func (p *Plan) Bind(c record.Caller, sum ...any) []byte {
	b, _ := jsonvalue.Marshal(append(p.grants(c), sum...))
	return b
}

// SumSlot is the index of the sum in the grants.
func (p *Plan) SumSlot() int { return len(p.slots) }

func (p *Plan) grants(c record.Caller) []any {
	claims, _ := ijson.Members([]byte(c.Claims), maxDepth) // of a token that was verified
	list := make([]any, len(p.slots))
	for i, s := range p.slots {
		raw := claims[s.claim]
		switch {
		case s.kind == record.HasScope:
			if slices.Contains(strings.Fields(c.Words), s.claim) {
				list[i] = 1
			}
		case s.kind == record.ColumnIn:
			texts, _ := ijson.Texts(raw)
			texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
			slices.Sort(texts)
			list[i] = append([]string{}, slices.Compact(texts)...)
		case s.claim == record.Subject:
			if c.Subject != "" {
				list[i] = c.Subject
			}
		default:
			if text, err := ijson.Text(raw); raw != nil && err == nil && text != "" {
				list[i] = text
			}
		}
	}
	return list
}

// maxDepth is how deep the claims may nest: they are an object of strings and arrays.
const maxDepth = 2

// Sum returns a text that differs if the rules read do, or what they ask of the caller. R4.
func (p *Plan) Sum(c record.Caller) string {
	list := p.grants(c)
	for i := range list {
		if !p.read[i] {
			list[i] = nil
		}
	}
	b, _ := jsonvalue.Marshal(list)
	sum := sha256.Sum256(append([]byte(p.rules), b...))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}
