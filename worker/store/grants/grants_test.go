//go:build !js

package grants_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

func rule(t testing.TB, text string) record.Rule {
	r, err := record.ParseRule(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func schema(t testing.TB, read, write string) record.Schema {
	s := record.Schema{Version: 1, Tables: []record.Table{{Name: "t", SQL: "T", ID: "Id", Read: rule(t, read), Write: rule(t, write), Columns: []record.Column{
		{Name: "owner", SQL: "Owner"}, {Name: "team", SQL: "Team", Nullable: true}}}}}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// A condition holds for a caller and a row as the words of the rule say.
func TestHolds(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	ann := record.Caller{Subject: "ann", Words: "sync:read edit", Claims: `{"teams":["red","","blue"],"org":"x","role":"","n":7}`}
	nobody := record.Caller{}
	for _, c := range []struct {
		rule   string
		caller record.Caller
		owner  any
		team   any
		want   bool
	}{
		{"all", nobody, "ann", nil, true},
		{"none", ann, "ann", "red", false},
		{"owner = sub", ann, "ann", nil, true},
		{"owner = sub", ann, "bob", nil, false},
		{"owner = sub", ann, nil, nil, false},
		{"owner = sub", nobody, "", nil, false},
		{"owner = sub", nobody, nil, nil, false},
		{"id = sub", ann, "bob", nil, false},
		{"id = sub", record.Caller{Subject: "row"}, "bob", nil, true},
		{"team in teams", ann, "", "red", true},
		{"team in teams", ann, "", "green", false},
		{"team in teams", ann, "", "", false},
		{"team in teams", ann, "", nil, false},
		{"team in teams", nobody, "", "red", false},
		{"team in org", ann, "", "x", false},
		{"owner = teams", ann, "red", nil, false},
		{"owner = org", ann, "x", nil, true},
		{"owner = role", ann, "", nil, false},
		{"owner = n", ann, "7", nil, false},
		{"scope edit", ann, "", nil, true},
		{"scope sync", ann, "", nil, false},
		{"scope edit", nobody, "", nil, false},
		{"none or owner = sub or team in teams or scope edit", record.Caller{Subject: "bob"}, "bob", nil, true},
		{"owner = sub or team in teams", ann, "bob", "blue", true},
		{"owner = ');", record.Caller{Claims: `{"');":"a"}`}, "a", nil, true},
	} {
		s := schema(t, c.rule, "all")
		plan := grants.New(&s)
		sql := plan.Holds(s.Tables[0].Read, func(name string) string { return map[string]string{"owner": "?2", "team": "?3", "id": "'row'"}[name] })
		results, err := db.Batch(t.Context(), []abi.Statement{{SQL: grants.In("SELECT ("+sql+") IS TRUE, ?1, ?2, ?3", 1), Args: []any{abi.Text(plan.Bind(c.caller)), c.owner, c.team}}})
		if err != nil {
			t.Fatalf("%s: %v", c.rule, err)
		}
		if got := store.Number(results[0], 0) == 1; got != c.want {
			t.Errorf("%s for %+v, owner %v, team %v: got %v, want %v (%s, %s)", c.rule, c.caller, c.owner, c.team, got, c.want, sql, plan.Bind(c.caller))
		}
	}
}

// What a caller could write says nothing of a row.
func TestCould(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	for _, c := range []struct {
		rule   string
		caller record.Caller
		want   bool
	}{
		{"all", record.Caller{}, true},
		{"none", record.Caller{Subject: "a"}, false},
		{"owner = sub", record.Caller{Subject: "a"}, true},
		{"owner = sub", record.Caller{}, false},
		{"team in teams", record.Caller{Claims: `{"teams":["red"]}`}, true},
		{"team in teams", record.Caller{Claims: `{"teams":[]}`}, false},
		{"team in teams", record.Caller{}, false},
		{"scope edit", record.Caller{Words: "edit"}, true},
		{"scope edit", record.Caller{Subject: "a"}, false},
		{"id = sub", record.Caller{Subject: "row"}, true},
		{"id = sub", record.Caller{Subject: "a"}, false},
	} {
		s := schema(t, "all", c.rule)
		plan := grants.New(&s)
		results, err := db.Batch(t.Context(), []abi.Statement{{SQL: grants.In("SELECT ("+plan.Could(s.Tables[0].Write, "'row'")+") IS TRUE, ?1", 1), Args: []any{abi.Text(plan.Bind(c.caller))}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := store.Number(results[0], 0) == 1; got != c.want {
			t.Errorf("%s for %+v: got %v, want %v", c.rule, c.caller, got, c.want)
		}
	}
}

// R4: the sum changes with what a rule read asks of the caller, and with nothing else.
func TestSum(t *testing.T) {
	s := schema(t, "owner = sub or team in teams", "owner = org or scope edit")
	plan := grants.New(&s)
	base := record.Caller{Subject: "ann", Claims: `{"teams":["red","blue"]}`}
	for what, c := range map[string]record.Caller{
		"order and repetition": {Subject: "ann", Claims: `{"teams":["blue","red","blue"]}`},
		"a claim of write":     {Subject: "ann", Claims: `{"teams":["red","blue"],"org":"x"}`, Words: "edit"},
	} {
		if plan.Sum(c) != plan.Sum(base) {
			t.Errorf("%s changes the sum", what)
		}
	}
	for what, c := range map[string]record.Caller{
		"the subject": {Subject: "bob", Claims: base.Claims},
		"a team less": {Subject: "ann", Claims: `{"teams":["red"]}`},
		"no claim":    {Subject: "ann"},
	} {
		if plan.Sum(c) == plan.Sum(base) {
			t.Errorf("%s does not change the sum", what)
		}
	}
	other := schema(t, "owner = sub", "owner = org or scope edit")
	if grants.New(&other).Sum(record.Caller{Subject: "ann"}) == plan.Sum(record.Caller{Subject: "ann"}) {
		t.Error("other rules have the same sum")
	}
	if open := schema(t, "all", "owner = sub"); grants.New(&open).Reads() || !plan.Reads() {
		t.Error("Reads is about the rules read")
	}
}

// The condition has no text of a claim or a word, only the number of its slot.
func TestNoTextOfARuleIsSQL(t *testing.T) {
	s := schema(t, "owner = it's or team in x' or scope y'", "all")
	if sql := grants.New(&s).Holds(s.Tables[0].Read, func(name string) string { return name }); strings.Contains(sql, "it's") || strings.Contains(sql, "y'") || strings.Contains(sql, "x'") {
		t.Error(sql)
	}
}

func FuzzBind(f *testing.F) {
	f.Add("ann", "a b", `{"teams":["a"],"org":"x"}`)
	f.Add("", "", `{"teams":{"a":1},"org":["x"]}`)
	f.Add("a\x00", "scope", `[`)
	s := schema(f, "owner = sub or team in teams", "owner = org or scope edit")
	plan := grants.New(&s)
	f.Fuzz(func(t *testing.T, subject, words, claims string) {
		c := record.Caller{Subject: subject, Words: words, Claims: claims}
		bound := plan.Bind(c)
		if len(bound) > 6*(len(subject)+len(claims))+100 {
			t.Errorf("%d octets of %d", len(bound), len(subject)+len(claims))
		}
		if got := fmt.Sprint(plan.Sum(c)); len(got) != 24 {
			t.Error(got)
		}
	})
}
