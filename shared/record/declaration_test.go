package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/shared/pattern/re2"
)

// schemas draws valid schemas with everything that a declaration can say.
func schemas(t *rapid.T) Schema {
	s := Schema{Version: Version(rapid.IntRange(1, 3).Draw(t, "version"))}
	for i := range rapid.IntRange(0, 3).Draw(t, "tables") {
		table := Table{Name: fmt.Sprintf("t%d", i), SQL: rapid.SampledFrom([]string{"t", "T"}).Draw(t, "sql") + fmt.Sprint(i),
			ID: rapid.SampledFrom([]string{"id", "Key"}).Draw(t, "id"), Since: Version(rapid.IntRange(0, int(s.Version)).Draw(t, "since"))}
		for j := range rapid.IntRange(0, 3).Draw(t, "columns") {
			table.Columns = append(table.Columns, columns(t, fmt.Sprintf("c%d", j), s.Version))
		}
		table.Read, table.Write = rules(t, &table), rules(t, &table)
		s.Tables = append(s.Tables, table)
	}
	if rapid.Bool().Draw(t, "local") {
		s.Local = []string{"drafts"}
	}
	return s
}

func columns(t *rapid.T, name string, newest Version) Column {
	c := Column{Name: name, SQL: rapid.SampledFrom([]string{name, strings.ToUpper(name)}).Draw(t, "sql"), Type: Type(rapid.IntRange(0, 2).Draw(t, "type")),
		Nullable: rapid.Bool().Draw(t, "optional"), Since: Version(rapid.IntRange(0, int(newest)).Draw(t, "since"))}
	bound := func(name string) *float64 {
		if c.Type == Boolean || rapid.Bool().Draw(t, "no "+name) {
			return nil
		}
		v := float64(rapid.IntRange(0, 9).Draw(t, name))
		return &v
	}
	c.Check.Min = bound("min")
	if c.Check.Max = bound("max"); c.Check.Min != nil && c.Check.Max != nil && *c.Check.Min > *c.Check.Max {
		c.Check.Min, c.Check.Max = c.Check.Max, c.Check.Min
	}
	values := map[Type][]any{String: {"", "a", `<"&\`, "ä "}, Number: {0.0, -1.5, 1e21, 7.0}, Boolean: {true, false}}[c.Type]
	if c.Type != Boolean && rapid.Bool().Draw(t, "enum") {
		c.Check.Enum = rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 3, rapid.ID).Draw(t, "values")
	}
	if c.Type == String {
		if c.Check.Pattern = rapid.SampledFrom([]string{"", `[a-z]*`, "a|b`"}).Draw(t, "pattern"); c.Check.Pattern != "" {
			c.Check.Program = re2.MustCompile(c.Check.Pattern)
		}
	}
	if v := rapid.SampledFrom(values).Draw(t, "default"); c.Check.prepare(c.Type) == nil && c.Check.Fails(v) == "" && rapid.Bool().Draw(t, "has default") {
		c.Default = v
	}
	return c
}

func rules(t *rapid.T, table *Table) Rule {
	terms := []string{"all", "none", "scope crm:read", "id = sub", "id in customers"}
	for _, c := range table.Columns {
		if c.Type == String {
			terms = append(terms, c.Name+" = sub", c.Name+" in team.ids")
		}
	}
	rule, err := ParseRule(strings.Join(rapid.SliceOfN(rapid.SampledFrom(terms), 1, 3).Draw(t, "rule"), " or "))
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

func TestDecodeUndoesEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schemas(t)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		text := s.Encode()
		got, err := Decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		since := cmp.Transformer("since", func(v Version) int { return int(max(v, 1)) })
		if d := cmp.Diff(s, got, since, cmpopts.IgnoreUnexported(Check{})); d != "" {
			t.Fatalf("%s\n%s", text, d)
		}
		if again := got.Encode(); string(again) != string(text) {
			t.Fatalf("got %s, want %s", again, text)
		}
	})
}

func TestADeclarationLeavesOutWhatIsTheDefault(t *testing.T) {
	s := Schema{Version: 2, Tables: []Table{{Name: "visits", SQL: "visits", ID: "id", Since: 1, Columns: []Column{
		{Name: "rating", SQL: "rating", Type: Number}, {Name: "title", SQL: "Title", Type: String, Nullable: true, Default: "", Since: 2}}}}}
	want := `{"version":2,"tables":[{"name":"visits","columns":[{"name":"rating","type":"number"},{"name":"title","sql":"Title","type":"string","optional":true,"default":"","since":2}]}]}`
	if got := string(s.Encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDecodeRejectsWhatEncodeDoesNotWrite(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "unexpected end",
		`{"version":1,"tables":[]}{}`:          "something follows it",
		`{"version":1,"tables":[],"colour":1}`: `unknown member "colour"`,
		`{"version":0,"tables":[]}`:            "version 0",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"text"}]}]}`:                                    `table "a": column "b": type "text"`,
		`{"version":1,"tables":[{"name":"a","read":"b = sub","columns":[]}]}`:                                             "which the table does not have",
		`{"version":1,"tables":[{"name":"a","write":"b","columns":[]}]}`:                                                  "no term of a rule",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"number","pattern":"x"}]}]}`:                    "only a string takes a pattern",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","default":1}]}]}`:                      "default is 1, which is no string",
		`{"version":1,"local":["A"],"tables":[]}`:                                                                         `local table "A"`,
		`{"version":1,"local":["a","a"],"tables":[]}`:                                                                     `table "a" is declared twice`,
		`{"version":1,"local":["a"],"tables":[{"name":"a","columns":[]}]}`:                                                `table "a" is declared twice`,
		`{"version":1,"tables":[{"name":"a","columns":[]},{"name":"b","sql":"A","columns":[]}]}`:                          `table "b" is declared twice`,
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","sql":"Stamp","type":"string"}]}]}`:                    `column "b" is declared twice or reserved`,
		`{"version":1,"tables":[{"name":"a","id":"Stamp","columns":[]}]}`:                                                 `id "Stamp"`,
		`{"version":1,"tables":[{"name":"a","since":-1,"columns":[]}]}`:                                                   "since version -1",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","since":-1}]}]}`:                       "since version -1",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","enum":[null]}]}]}`:                    "enum has",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"number","enum":[true]}]}]}`:                    "enum has true",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"number","enum":[[1]]}]}]}`:                     "enum has",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","default":{}}]}]}`:                     "default",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","pattern":"x"}]}]}`:                    "pattern and program belong together",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","program":"AAIJAQ"}]}]}`:               "pattern and program belong together",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"boolean","program":"AAIJAQ"}]}]}`:              "pattern and program belong together",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","pattern":"x","program":""}]}]}`:       "pattern and program belong together",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","pattern":"x","program":1}]}]}`:        "program",
		`{"version":1,"tables":[{"name":"a","columns":[{"name":"b","type":"string","pattern":"x","program":"AAEDBQ"}]}]}`: "program of a pattern",
	} {
		if _, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestADecodedPatternIsOfTheWholeValue(t *testing.T) {
	s := Schema{Version: 1, Tables: []Table{{Name: "a", SQL: "a", ID: "id", Columns: []Column{{Name: "b", SQL: "b",
		Check: Check{Pattern: `x\d|é`, Program: re2.MustCompile(`x\d|é`)}}}}}}
	got, err := Decode(s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	check := &got.Tables[0].Columns[0].Check
	if !check.Equal(&s.Tables[0].Columns[0].Check) || check.Equal(&Check{Pattern: check.Pattern, Program: re2.MustCompile("x")}) {
		t.Error("Equal does not compare the programs")
	}
	for value, want := range map[string]string{"x7": "", "é": "", "ax7": "no", "x7a": "no", "": "no", "e": "no", "x7\n": "no"} {
		if want != "" {
			want = `it does not match the pattern x\d|é`
		}
		if reason := check.Fails(value); reason != want {
			t.Errorf("%q: got %q, want %q", value, reason, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	s := Default()
	f.Add(s.Encode())
	f.Add([]byte(`{"version":2,"local":["x"],"tables":[{"name":"a","read":"b = sub","columns":[{"name":"b","type":"string","enum":["x"],"default":"x","min":1,"max":2,"pattern":"x*","program":"AAMMAgJ4AAE"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Decode(s.Encode())
		if err != nil || string(again.Encode()) != string(s.Encode()) {
			t.Errorf("%s became %s: %v", text, again.Encode(), err)
		}
	})
}
