package tables

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/shared/pattern/re2"
	"tidemark/shared/record"
)

func bound(v float64) *float64 { return &v }

func TestParseReadsEverythingThatADeclarationSays(t *testing.T) {
	got, err := Parse([]byte(`# The tables.
version = 2
local = ["drafts"]

[customers]
sql = "Customers"
id = "CustomerId"

[customers.columns]
contact_name = { type = "string", sql = "ContactName", optional = true, max = 200 }
status = { type = "string", enum = ["lead", "active"], default = "lead", since = 2 }

[visits]
since = 2
read  = "owner_id = sub"
write = "owner_id = sub or scope crm:write"
[visits.columns]
owner_id = { type = "string", min = 1, max = 64, pattern = '[a-z]+\d' }
rating = { type = "number", min = -1.5, max = 1_000, enum = [1, 2.5, 0x10], default = 1 }
[visits.columns.done]
type = "boolean"
default = false
since = 2
`))
	if err != nil {
		t.Fatal(err)
	}
	owner := record.Term{Kind: record.ColumnIs, Column: "owner_id", Claim: "sub"}
	want := record.Schema{Version: 2, Local: []string{"drafts"}, Tables: []record.Table{
		{Name: "customers", SQL: "Customers", ID: "CustomerId", Columns: []record.Column{
			{Name: "contact_name", SQL: "ContactName", Nullable: true, Check: record.Check{Max: bound(200)}},
			{Name: "status", SQL: "status", Default: "lead", Since: 2, Check: record.Check{Enum: []any{"lead", "active"}}},
		}},
		{Name: "visits", SQL: "visits", ID: "id", Since: 2, Read: record.Rule{owner}, Write: record.Rule{owner, {Kind: record.HasScope, Claim: "crm:write"}}, Columns: []record.Column{
			{Name: "owner_id", SQL: "owner_id", Check: record.Check{Min: bound(1), Max: bound(64), Pattern: `[a-z]+\d`, Program: re2.MustCompile(`[a-z]+\d`)}},
			{Name: "rating", SQL: "rating", Type: record.Number, Default: 1.0, Check: record.Check{Min: bound(-1.5), Max: bound(1000), Enum: []any{1.0, 2.5, 16.0}}},
			{Name: "done", SQL: "done", Type: record.Boolean, Default: false, Since: 2},
		}},
	}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(record.Check{})); d != "" {
		t.Error(d)
	}
	if got.Tables[1].Columns[0].Check.Fails("A1") == "" {
		t.Error("the checks are not ready for use")
	}
}

const text64 = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"

// Each line of a text after the first is line 2 of the file, and so on. %T% stands for a
// column that is right.
//
//layout:long one row for each mistake
func TestParseTellsEveryMistakeWithItsPlace(t *testing.T) {
	many := ""
	for i := range record.MaxColumns + 1 {
		many += fmt.Sprintf("columns.c%d = { type = \"string\" }\n", i)
	}
	for _, c := range []struct{ text, want string }{
		// The file.
		{``, `line 1: version is missing: it is the version of the app's schema, 1 at first`},
		{"version = 1\nversion = 2", `line 2: key version is already defined`},
		{"version = 1\n[a", `line 2: expected ']' to close table name`},
		{`version = 0`, `line 1: version must be a whole number from 1 to 9999, not 0`},
		{`version = 1.5`, `line 1: version must be a whole number from 1 to 9999, not a number`},
		{`version = "1"`, `line 1: version must be a whole number from 1 to 9999, not a string`},
		{`version = 99999999999`, `line 1: version must be a whole number from 1 to 9999, not 99999999999`},
		{"versoin = 1", "line 1: version is missing: it is the version of the app's schema, 1 at first\nline 1: the key \"versoin\" is unknown: did you mean version?"},
		{"version = 1\ncolour = 2", `line 2: the key "colour" is unknown: the file has version, local and tables`},
		{"version = 1\n[[a]]", `line 2: [[a]] is an array of tables: write [a]`},
		{strings.Repeat("#", maxFile+1), `the file is longer than 1048576 bytes`},
		// Local tables.
		{"version = 1\nlocal = 'drafts'", `line 2: local must be an array of strings, not a string`},
		{"version = 1\nlocal = [1]", `line 2: local must be an array of strings: it has a number`},
		{"version = 1\nlocal = ['a', 'a', 'B']", "line 2: local names \"a\" twice\nline 2: local names \"B\": " + wireNames},
		{"version = 1\nlocal = ['a']\n[a]\ncolumns.b = { type = 'string' }", `line 2: local names "a", which is declared as a table that is synchronized`},
		// Tables.
		{"version = 1\n[a]", `line 2: table a: it has no columns`},
		{"version = 1\n[a.columns]", `line 2: table a: it has 0 columns: a table has 1 to 48`},
		{"version = 1\n[a]\n" + many, `line 3: table a: it has 49 columns: a table has 1 to 48`},
		{"version = 1\n[a]\ncolumns = 'b'", `line 3: table a: columns must be a table, not a string`},
		{"version = 1\n[a]\nsince = 1\nraed = 'all'\nkey = 1\n%T%", "line 4: table a: the key \"raed\" is unknown: did you mean read?\nline 5: table a: the key \"key\" is unknown: a table has sql, id, since, read, write, columns"},
		{"version = 2\n[a]\nsince = 3\n%T%", `line 3: table a: since is 3, above the version 2 of the schema: raise version, or lower since`},
		{"version = 2\n[a]\nsince = 'x'\nsql = 1\nid = true\nread = 1979-05-27\n%T%", "line 3: table a: since must be a whole number from 1 to 9999, not a string\nline 4: table a: sql must be a string, not a number\nline 5: table a: id must be a string, not a boolean\nline 6: table a: read must be a string, not a date or time"},
		{"version = 1\n[Visits]\n%T%", `line 2: table Visits: the name "Visits" is invalid: ` + wireNames},
		{"version = 1\n[" + text64 + "m]\n%T%", `line 2: table ` + text64 + `m: the name "` + text64 + `m" is invalid: ` + wireNames},
		{"version = 1\n['a b']\n%T%", `line 2: table a b: the name "a b" is invalid: ` + wireNames},
		{"version = 1\n[local_storage]\n%T%", `line 2: table local_storage: the name "local_storage" is invalid: WatermelonDB does not take this name`},
		{"version = 1\n[constructor]\n%T%", `line 2: table constructor: the name "constructor" is invalid: WatermelonDB does not take this name`},
		{"version = 1\n[sqlite_stat1]\n%T%", `line 2: table sqlite_stat1: the name "sqlite_stat1" is invalid: WatermelonDB does not take this name`},
		{"version = 1\n[sqlite_x]\n%T%", `line 2: table sqlite_x: sql "sqlite_x" is reserved for SQLite and Cloudflare: write sql = "…", another name for the database`},
		{"version = 1\n[projects]\n%T%", `line 2: table projects: sql "projects" is a name of Tidemark's own: write sql = "…", another name for the database`},
		{"version = 1\n[a]\nsql = 'TOLD'\n%T%", `line 3: table a: sql "TOLD" is a name of Tidemark's own: write sql = "…", another name for the database`},
		{"version = 1\n[a]\nsql = 'a-b'\nid = ''\n%T%", "line 3: table a: sql \"a-b\" is invalid: " + sqlNames + "\nline 4: table a: id \"\" is invalid: " + sqlNames},
		{"version = 1\n[order]\n%T%", `line 2: table order: "order" is a keyword of SQL: write sql = "order_", or another name for the database`},
		{"version = 1\n[a]\nsql = 'Group'\n%T%", `line 3: table a: "Group" is a keyword of SQL: write sql = "Group_", or another name for the database`},
		{"version = 1\n[a]\n%T%\n[b]\nsql = 'A'\n%T%", `line 5: table b: sql "A" is the name of the table a already, and SQL does not tell small letters from capitals`},
		{"version = 1\n[a]\nid = 'Stamp'\n%T%", `line 3: table a: id "Stamp" is the name of a column that every table has`},
		{"version = 1\n[visits]\n%T%\n[t]\nsql = 'VisitsByTitle'\n%T%", `line 2: table visits: an index of it is or may be visitsBytitle, which is the name of the table t: write another sql`},
		// Rules.
		{"version = 1\n[a]\nread = ''\n%T%", `line 3: table a: read: a rule is empty: "none" lets nobody`},
		{"version = 1\n[a]\nwrite = 'owner == sub'\n%T%", `line 3: table a: write: "owner == sub" is no term of a rule: write all, none, scope NAME, COLUMN = CLAIM or COLUMN in CLAIM, with or between several`},
		{"version = 1\n[a]\nread = 'titel = sub or x in y'\nwrite = 'size = sub'\ncolumns.size = { type = 'number' }\ncolumns.title = { type = 'string' }",
			"line 3: table a: read: it names the column titel, which the table does not have: did you mean title?\nline 3: table a: read: it names the column x, which the table does not have\nline 4: table a: write: it compares the column size, which is a number: a claim is a string"},
		// Columns.
		{"version = 1\n[a.columns]\nb = 'string'", `line 3: table a, column b: a column is a table, not a string: write b = { type = "string" }`},
		{"version = 1\n[a.columns]\nb = {}", `line 3: table a, column b: type is missing: it is string, number or boolean`},
		{"version = 1\n[a.columns]\nb = { type = 'Int' }\nc = { type = 'strnig' }\nd = { type = 'blob' }\ne = { type = 1 }",
			"line 3: table a, column b: the type \"Int\" is unknown: write number\nline 4: table a, column c: the type \"strnig\" is unknown: did you mean string?\nline 5: table a, column d: the type \"blob\" is unknown: it is string, number or boolean\nline 6: table a, column e: type must be a string, not a number"},
		{"version = 1\n[a.columns]\nb = { type = 'string', defualt = 'x', length = 1 }",
			"line 3: table a, column b: the key \"defualt\" is unknown: did you mean default?\nline 3: table a, column b: the key \"length\" is unknown: a column has type, sql, optional, default, since, min, max, enum, pattern"},
		{"version = 1\n[a.columns]\nb = { type = 'string', optional = 1, sql = 2 }", "line 3: table a, column b: optional must be true or false, not a number\nline 3: table a, column b: sql must be a string, not a number"},
		{"version = 3\n[a]\nsince = 2\n[a.columns]\nb = { type = 'string', since = 1 }\nc = { type = 'string', since = 4 }",
			"line 5: table a, column b: since is 1, below the 2 of its table\nline 6: table a, column c: since is 4, above the version 3 of the schema: raise version, or lower since"},
		{"version = 1\n[a.columns]\nid = { type = 'string' }\ncreated_at = { type = 'number' }\n_status = { type = 'string' }\noid = { type = 'string' }",
			"line 3: table a, column id: the name \"id\" is invalid: every table has it: leave it out\nline 4: table a, column created_at: the name \"created_at\" is invalid: every table has it: leave it out\nline 5: table a, column _status: the name \"_status\" is invalid: " + wireNames + "\nline 6: table a, column oid: the name \"oid\" is invalid: WatermelonDB does not take this name"},
		{"version = 1\n[a.columns]\nstamp = { type = 'string' }\nb = { type = 'string', sql = 'Deleted' }",
			"line 3: table a, column stamp: sql \"stamp\" is the name of a column that every table has: write sql = \"…\", another name for the database\nline 4: table a, column b: sql \"Deleted\" is the name of a column that every table has: write sql = \"…\", another name for the database"},
		{"version = 1\n[a]\nid = 'b'\n[a.columns]\nb = { type = 'string' }\nc = { type = 'string', sql = 'D' }\nd = { type = 'string' }",
			"line 5: table a, column b: sql \"b\" is the name of the id already, and SQL does not tell small letters from capitals\nline 7: table a, column d: sql \"d\" is the name of the column c already, and SQL does not tell small letters from capitals"},
		{"version = 1\n[a.columns]\nfrom = { type = 'string' }", `line 3: table a, column from: "from" is a keyword of SQL: write sql = "from_", or another name for the database`},
		// Checks.
		{"version = 1\n[a.columns]\nb = { type = 'boolean', min = 1, enum = [true] }", "line 3: table a, column b: a boolean takes no min\nline 3: table a, column b: a boolean takes no enum"},
		{"version = 1\n[a.columns]\nb = { type = 'number', pattern = 'x' }", `line 3: table a, column b: only a string takes a pattern`},
		{"version = 1\n[a.columns]\nb = { type = 'string', pattern = 1 }", `line 3: table a, column b: pattern must be a string, not a number`},
		{"version = 1\n[a.columns]\nb = { type = 'string', pattern = '(a' }\nc = { type = 'string', pattern = 'a)|(b' }", "line 3: table a, column b: pattern is no RE2 expression: missing closing ): `(a`\nline 4: table a, column c: pattern is no RE2 expression: unexpected ): `a)|(b`"},
		{"version = 1\n[a.columns]\nb = { type = 'string', pattern = '(?=a)' }", "line 3: table a, column b: pattern is no RE2 expression: invalid or unsupported Perl syntax: `(?=`"},
		{"version = 1\n[a.columns]\nb = { type = 'string', pattern = '" + strings.Repeat("a", 1001) + "' }", `line 3: table a, column b: pattern is longer than 1000 bytes`},
		{"version = 1\n[a.columns]\nb = { type = 'string', min = -1 }\nc = { type = 'string', max = 1.5 }", "line 3: table a, column b: min and max of a string are its length: whole numbers from 0\nline 4: table a, column c: min and max of a string are its length: whole numbers from 0"},
		{"version = 1\n[a.columns]\nb = { type = 'number', min = inf }\nc = { type = 'number', max = 'x' }\nd = { type = 'number', max = 9007199254740993 }",
			"line 3: table a, column b: min must be a number that a float64 holds, not inf\nline 4: table a, column c: max must be a number that a float64 holds, not \"x\"\nline 5: table a, column d: max must be a number that a float64 holds, not 9007199254740993"},
		{"version = 1\n[a.columns.b]\ntype = 'number'\nmin = 2\nmax = 1", `line 5: table a, column b: min is greater than max`},
		{"version = 1\n[a.columns]\nb = { type = 'number', enum = [] }\nc = { type = 'number', enum = ['x'] }\nd = { type = 'string', enum = 'x' }\ne = { type = 'string', enum = ['x', 'x'] }\nf = { type = 'string', enum = [[]] }",
			"line 3: table a, column b: enum is empty: no value would meet it\nline 4: table a, column c: enum has \"x\", which is no number\nline 5: table a, column d: enum must be an array, not a string\nline 6: table a, column e: enum has \"x\" twice\nline 7: table a, column f: enum has an array, which is no string"},
		// Defaults.
		{"version = 1\n[a.columns]\nb = { type = 'number', default = '1' }\nc = { type = 'string', default = 1 }\nd = { type = 'boolean', default = 0 }\ne = { type = 'number', default = nan }\nf = { type = 'string', default = \"a\\n\" }",
			"line 3: table a, column b: default is \"1\", which is no number\nline 4: table a, column c: default is 1, which is no string\nline 5: table a, column d: default is 0, which is no boolean\nline 6: table a, column e: default is nan, which is no number\nline 7: table a, column f: default is \"a\\n\", which has a control character"},
		{"version = 1\n[a.columns.b]\ntype = 'string'\nmax = 3\ndefault = 'long'\n[a.columns.c]\ntype = 'string'\nenum = ['x', 'y']\ndefault = 'z'",
			"line 5: table a, column b: default fails the check: it is longer than 3 UTF-16 units\nline 9: table a, column c: default fails the check: it is none of x, y"},
		{"version = 2\n[a.columns]\nb = { type = 'string', min = 1, since = 2 }\nc = { type = 'string', min = 1 }\nd = { type = 'string', min = 1, since = 2, optional = true }",
			"line 3: table a, column b: apps of version 1 do not send it, and without it their rows would fail its check: write a default that meets it, or optional = true"},
	} {
		text := strings.ReplaceAll(c.text, "%T%", "columns.title = { type = 'string' }")
		got := ""
		if _, err := Parse([]byte(text)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%.200s\ngot\n%s\nwant\n%s", text, got, c.want)
		}
	}
}

func TestAMistakeIsShownAsCompilersShowIt(t *testing.T) {
	e := Error{12, "visits", "rating", "min is greater than max"}
	if got, want := e.In("tables.toml"), "tables.toml:12: table visits, column rating: min is greater than max"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	e = Error{Reason: "the file is long"}
	if got, want := e.In("tables.toml"), "tables.toml: the file is long"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("version = 2\nlocal = ['x']\n[a]\nsql = 'A'\nsince = 2\nread = 'b = sub'\n[a.columns]\nb = { type = 'string', enum = ['x'], default = 'x', min = 1, max = 2, pattern = 'x*' }\n"))
	f.Add([]byte("version = 1\n[a.columns.b]\ntype = 'number'\nenum = [1, 2.5]\n[[c]]\nd.e.f = [{}, 1979-05-27]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			if list, ok := err.(Errors); !ok || len(list) == 0 {
				t.Errorf("%v is no list", err)
			}
			return
		}
		got, err := record.Decode(s.Encode())
		if err != nil || string(got.Encode()) != string(s.Encode()) {
			t.Errorf("%q became %s: %v", text, got.Encode(), err)
		}
		if err := Refuse(&s, &got); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
