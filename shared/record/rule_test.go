package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const howToWrite = " is no term of a rule: write all, none, scope NAME, COLUMN = CLAIM or COLUMN in CLAIM, with or between several"

func TestARuleIsReadAndWritten(t *testing.T) {
	owner := Term{Kind: ColumnIs, Column: "owner_id", Claim: Subject}
	for _, c := range []struct {
		text    string
		rule    Rule
		written string // "": as text
		fails   string
	}{
		{text: "all"},
		{text: "none", rule: Rule{{Kind: Nobody}}},
		{text: "scope crm:admin", rule: Rule{{Kind: HasScope, Claim: "crm:admin"}}},
		{text: "owner_id = sub", rule: Rule{owner}},
		{text: "team in org.teams", rule: Rule{{Kind: ColumnIn, Column: "team", Claim: "org.teams"}}},
		{text: " owner_id  =\tsub\n or none ", rule: Rule{owner, {Kind: Nobody}}, written: "owner_id = sub or none"},
		{text: "owner_id = sub or all", written: "all"},
		{text: "or = or", fails: `""` + howToWrite},
		{text: "scope or", fails: `"scope"` + howToWrite},
		{text: "", fails: `a rule is empty: "none" lets nobody`},
		{text: " ", fails: `a rule is empty: "none" lets nobody`},
		{text: "all or", fails: `the rule ends with "or"`},
		{text: "or all", fails: `""` + howToWrite},
		{text: "all or or none", fails: `""` + howToWrite},
		{text: "All", fails: `"All"` + howToWrite},
		{text: "owner_id=sub", fails: `"owner_id=sub"` + howToWrite},
		{text: "owner_id == sub", fails: `"owner_id == sub"` + howToWrite},
		{text: "owner_id = sub and none", fails: `"owner_id = sub and none"` + howToWrite},
		{text: "owner_id = sub or x", fails: `"x"` + howToWrite},
	} {
		got, err := ParseRule(c.text)
		if c.fails != "" {
			if err == nil || err.Error() != c.fails {
				t.Errorf("%q: got %v, want %s", c.text, err, c.fails)
			}
			continue
		}
		if d := cmp.Diff(c.rule, got); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", c.text, err, d)
		}
		if c.written == "" {
			c.written = c.text
		}
		if got.String() != c.written {
			t.Errorf("%q: written as %q, want %q", c.text, got.String(), c.written)
		}
	}
	if got := (Rule{{}, owner}).String(); got != "all or owner_id = sub" {
		t.Errorf("got %q", got)
	}
}

func TestARuleComparesColumnsOfStrings(t *testing.T) {
	table := Table{Columns: []Column{{Name: "owner_id"}, {Name: "team"}, {Name: "size", Type: Number}, {Name: "done", Type: Boolean}}}
	for text, want := range map[string]string{
		"all": "", "none": "", "scope size": "", "id = sub or owner_id = sub or team in teams": "",
		"owner = sub":                  "it names the column owner, which the table does not have",
		"owner_id = sub or x in teams": "it names the column x, which the table does not have",
		"created_at = sub":             "it names the column created_at, which the table does not have",
		"size = sub":                   "it compares the column size, which is a number: a claim is a string",
		"done in teams":                "it compares the column done, which is a boolean: a claim is a string",
	} {
		rule, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := rule.Validate(&table); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestASchemaNamesWhatItsRulesNeed(t *testing.T) {
	parse := func(text string) Rule {
		rule, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		return rule
	}
	s := Schema{Tables: []Table{
		{Read: parse("owner_id = sub or team in teams or scope x"), Write: parse("id = org.id or team in teams or team = org.id")},
		{Columns: []Column{{}, {Check: Check{Pattern: "a"}}}},
		{Columns: []Column{{}}},
		{Write: parse("none")},
	}}
	if d := cmp.Diff([]string{"org.id", "teams"}, s.Claims()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"owner_id", "team"}, s.Tables[0].Read.Columns()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"team"}, s.Tables[0].Write.Columns()); d != "" {
		t.Error(d)
	}
	for i, want := range []bool{true, true, false, true} {
		if got := s.Tables[i].Guarded(); got != want {
			t.Errorf("table %d is guarded: %v", i, got)
		}
	}
}
