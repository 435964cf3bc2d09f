package tables

import (
	"strings"
	"testing"

	"tidemark/shared/record"
)

func parsed(t *testing.T, text string) *record.Schema {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return &s
}

func TestADeclarationThatWouldLoseDataIsRefused(t *testing.T) {
	const old = `version = 2
local = ["drafts"]
[customers]
columns.name = { type = "string", optional = true }
columns.age = { type = "number" }
[visits]
since = 2
read = "id = sub"
columns.place = { type = "string", max = 10 }
`
	for name, c := range map[string]struct {
		from, to string // pairs, by lines
		want     string // "": nothing is refused
	}{
		"the same":               {"", "", ""},
		"a rule":                 {`"id = sub"`, `"all"`, ""},
		"a check":                {`max = 10`, `max = 5, pattern = "a*"`, ""},
		"an order":               {"columns.name = { type = \"string\", optional = true }\ncolumns.age = { type = \"number\" }", "columns.age = { type = \"number\" }\ncolumns.name = { type = \"string\", optional = true }", ""},
		"since 1":                {"[customers]", "[customers]\nsince = 1", ""},
		"a higher version":       {"version = 2", "version = 3", ""},
		"optional":               {`"number" }`, `"number", optional = true }`, ""},
		"mandatory, default":     {`optional = true`, `default = "x"`, ""},
		"a lower version":        {"version = 2\n", "version = 1\n", "version goes from 2 back to 1: apps have the newer one already"},
		"no table":               {"[customers]", "[clients]", "table customers: it is gone: its rows would be lost. To keep them from apps write read = \"none\" and write = \"none\""},
		"sql":                    {"[customers]", "[customers]\nsql = \"C\"", `table customers: sql goes from "customers" to "C": its rows are in the table customers`},
		"id":                     {"[customers]", "[customers]\nid = \"C\"", `table customers: id goes from "id" to "C": its rows have the column id`},
		"since of a table":       {"since = 2", "since = 1", "table visits: since goes from 2 to 1: apps of the versions between would gain or lose the table\ntable visits, column place: since goes from 2 to 1: apps of the versions between would gain or lose the column"},
		"no column":              {"columns.age", "columns.size", "table customers, column age: it is gone: its values would be lost, and apps still send it"},
		"a column without since": {"[visits]\n", "columns.z = { type = \"boolean\" }\n[visits]\n", ""},
		"a column with since":    {"[visits]\n", "columns.z = { type = \"boolean\", since = 3 }\n[visits]\n", ""},
		"a table with since":     {"version = 2\n", "version = 3\nnew = { since = 3, columns = { a = { type = \"string\" } } }\n", ""},
		"sql of a column":        {`"number" }`, `"number", sql = "B" }`, `table customers, column age: sql goes from "age" to "B": its values are in the column age`},
		"type":                   {`"number" }`, `"string" }`, "table customers, column age: type goes from number to string: the values that are stored would not fit"},
		"mandatory":              {`, optional = true`, ``, "table customers, column name: it was optional, and rows may have no value: write a default for them"},
		"since of a column":      {`"number" }`, `"number", since = 2 }`, "table customers, column age: since goes from 1 to 2: apps of the versions between would gain or lose the column"},
	} {
		text := strings.Replace(old, c.from, c.to, 1)
		if strings.HasPrefix(name, "a column with") {
			text = strings.Replace(text, "version = 2", "version = 4", 1)
		}
		if name == "a lower version" {
			text = strings.Replace(text, "since = 2\n", "", 1)
			c.want += "\ntable visits: since goes from 2 to 1: apps of the versions between would gain or lose the table\ntable visits, column place: since goes from 2 to 1: apps of the versions between would gain or lose the column"
		}
		got := ""
		if err := Refuse(parsed(t, old), parsed(t, text)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// Apps that have a version do not migrate to what is new in it.
func TestWhatAppsWouldNotNoticeIsAdvised(t *testing.T) {
	const old = "version = 2\n[a]\ncolumns.b = { type = \"string\" }\n"
	for text, want := range map[string]string{
		old: "",
		old + "[c]\ncolumns.d = { type = \"string\" }\n":                                     "table c: it is new: raise version to 3 and write since = 3, as apps of version 2 do not have it",
		old + "columns.c = { type = \"string\" }\n":                                          "table a, column c: it is new: raise version to 3 and write since = 3, as apps of version 2 do not have it",
		strings.Replace(old, "2", "4", 1) + "columns.c = { type = \"string\" }\n":            "table a, column c: it is new: write since = 4, as apps of version 2 do not have it",
		strings.Replace(old, "2", "4", 1) + "columns.c = { type = \"string\", since = 3 }\n": "",
	} {
		if got := Advise(parsed(t, old), parsed(t, text)).Error(); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestANewDatabaseTakesAnyDeclaration(t *testing.T) {
	if err := Refuse(&record.Schema{}, parsed(t, "version = 3\n[a]\ncolumns.b = { type = \"string\" }\n")); err != nil {
		t.Error(err)
	}
}
