package record

import (
	"strings"
	"testing"
)

func TestAReasonForEachTermOfARule(t *testing.T) {
	value := func(column string) (string, bool) {
		return map[string]string{"id": "r1", "owner": "u2", "team": strings.Repeat("é", 60)}[column], column != "gone"
	}
	caller := Caller{Subject: "u1", Words: "sync:read", Claims: `{"org":"a\"b","teams":["x",""],"many":["1","2","3","4","5","6"],"none":[]}`}
	long := `team is "` + strings.Repeat("é", 50) + `…", and `
	for rule, want := range map[string]string{
		"all":                       "",
		"none":                      "the rule is none: nobody may",
		"scope edit":                "the scope has no edit",
		"owner = sub":               `owner is "u2", and the claim sub is "u1"`,
		"id = sub or scope edit":    `id is "r1", and the claim sub is "u1"; the scope has no edit`,
		"gone = org":                `gone is null, and the claim org is "a\"b"`,
		"owner = teams":             `owner is "u2", and the claim teams is a list, and no string`,
		"owner in org":              `owner is "u2", and the claim org is a string, and no list`,
		"owner in teams":            `owner is "u2", and the claim teams has "x"`,
		"owner in many or gone = x": `owner is "u2", and the claim many has "1", "2", "3", "4", "5", and 1 more; gone is null, and the token has no string and no list in the claim x`,
		"owner in none":             `owner is "u2", and the claim none is an empty list`,
		"owner in sub":              `owner is "u2", and the claim sub is a string, and no list`,
		"team = org.name":           long + "the token has no string and no list in the claim org.name",
	} {
		r, err := ParseRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(r.Explain(caller, value), "; "); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", rule, got, want)
		}
	}
	if got := (Rule{{Kind: ColumnIs, Column: "owner", Claim: Subject}}).Explain(Caller{}, value); got[0] != `owner is "u2", and the token has no claim sub` {
		t.Errorf("without a subject: %q", got)
	}
}
