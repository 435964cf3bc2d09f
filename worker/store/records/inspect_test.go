//go:build !js

package records

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/records/inspect"
)

// things is a schema with a column of each type.
func things() record.Schema {
	return record.Schema{Version: 1, Tables: []record.Table{{
		Name: "things", SQL: "Things", ID: "ThingId", Columns: []record.Column{
			{Name: "name", SQL: "Name", Nullable: true}, {Name: "kind", SQL: "Kind", Default: "x"},
			{Name: "size", SQL: "Size", Type: record.Number, Nullable: true}, {Name: "done", SQL: "Done", Type: record.Boolean, Nullable: true},
		},
	}}}
}

// A listed is a page of an operator.
type listed struct {
	Timestamp stamp
	Rows      []listedRow
	Next      *string
}

type listedRow struct {
	State string
	Stamp stamp
	Row   object
}

// lists returns a page of rows. The parameters are names and values in turn.
func (f *fixture) lists(parameters ...string) (page listed) {
	f.Helper()
	query := url.Values{}
	for i := 0; i < len(parameters); i += 2 {
		query.Set(parameters[i], parameters[i+1])
	}
	answer, err := f.List(f.Context(), query.Get, store.Budget{})
	if err != nil {
		f.Fatalf("%v: %v", parameters, err)
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		f.Fatalf("%s: %v", answer, err)
	}
	return page
}

// A thing is a row of the model.
type thing struct {
	id            string
	name, kind    any
	size, done    any
	stamp         int
	dead, created int
}

func (m *thing) column(name string) any {
	switch name {
	case "id":
		return m.id
	case "name":
		return m.name
	case "kind":
		if m.kind == nil {
			return "x" // the row is older than the declaration
		}
		return m.kind
	case "size":
		return m.size
	case "done":
		return m.done
	case "stamp":
		return float64(m.stamp)
	}
	return float64(m.created) // and updated_at
}

// meets says whether a row meets a filter.
func (m *thing) meets(column, is, value string) bool {
	v := m.column(column)
	if is == "null" || v == nil {
		return is == "null" && v == nil
	}
	order := 0
	switch v := v.(type) {
	case string:
		switch is {
		case "contains":
			return strings.Contains(v, value)
		case "starts":
			return strings.HasPrefix(v, value)
		}
		order = strings.Compare(v, value)
	case float64:
		var w float64
		if _, err := fmt.Sscan(value, &w); err != nil {
			panic(err)
		}
		order = cmp.Compare(v, w)
	case bool:
		return fmt.Sprint(v) == value
	}
	return is == "equal" && order == 0 || is == "less" && order < 0 || is == "greater" && order > 0
}

// X2: all pages of a listing together are the rows of a model, each once and in order, whatever the bounds of a page are.
func TestAListingHasTheRowsOfTheModel(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	statements := NewStatements(things(), 1<<20)
	f := &fixture{t, newDialect(db, things(), watermelon.DefaultLimits()), db, noon}
	f.Records = New(db, statements)
	if _, err := db.Batch(t.Context(), createTables(things())); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(r *rapid.T) {
		model := f.draw(r)
		statements.looks = inspect.Bounds{
			Rows: rapid.IntRange(1, 12).Draw(r, "looks"), Octets: rapid.SampledFrom([]int{1, 600, 1 << 20}).Draw(r, "octets"), Text: rapid.SampledFrom([]int{1, 500, 1 << 20}).Draw(r, "text"),
		}
		limit := rapid.IntRange(1, 5).Draw(r, "limit")
		parameters := []string{"table", "things", "limit", fmt.Sprint(limit)}
		deleted := rapid.SampledFrom([]string{"", "also", "only"}).Draw(r, "deleted")
		order := rapid.SampledFrom([]string{"", "id", "changed"}).Draw(r, "order")
		column, is, value := "", "", ""
		if rapid.Bool().Draw(r, "filtered") {
			column, is, value = drawFilter(r)
		}
		parameters = append(parameters, "deleted", deleted, "order", order, "column", column, "is", is, "value", value)
		slices.SortFunc(model, func(a, b thing) int {
			if order == "changed" {
				return cmp.Or(-cmp.Compare(a.stamp, b.stamp), -cmp.Compare(a.id, b.id))
			}
			return cmp.Compare(a.id, b.id)
		})
		var want, got []string
		for _, m := range model {
			if (deleted == "" && m.dead == 1) || deleted == "only" && m.dead == 0 || column != "" && !m.meets(column, is, value) {
				continue
			}
			state := [...]string{"live", "deleted"}[m.dead]
			want = append(want, fmt.Sprint(state, m.stamp, m.id, m.name, m.column("kind"), m.size, m.done, float64(m.created)))
		}
		after := ""
		for pages := 0; ; pages++ {
			page := f.lists(append(parameters, "after", after)...)
			if len(page.Rows) > limit || pages > len(model) {
				r.Fatalf("%v: page %d has %d rows", parameters, pages, len(page.Rows))
			}
			for _, row := range page.Rows {
				v := row.Row
				got = append(got, fmt.Sprint(row.State, row.Stamp, v["id"], v["name"], v["kind"], v["size"], v["done"], v["created_at"]))
			}
			if page.Next == nil {
				break
			}
			after = *page.Next
		}
		if !slices.Equal(got, want) {
			r.Fatalf("%v\ngot  %q\nwant %q", parameters, got, want)
		}
	})
}

// draw fills the table.
func (f *fixture) draw(r *rapid.T) (model []thing) {
	text := rapid.SampledFrom([]any{nil, "", "a", "A", "ab", "ba", "é", "aé", "a%", "_", "'", "😀b"})
	statements := []abi.Statement{{SQL: "DELETE FROM Things"}}
	for i := range rapid.IntRange(0, 25).Draw(r, "rows") {
		m := thing{
			id: fmt.Sprintf("%s%d", rapid.SampledFrom([]string{"a", "B", "c-"}).Draw(r, "id"), i), name: text.Draw(r, "name"), kind: text.Draw(r, "kind"),
			size: rapid.SampledFrom([]any{nil, 0.0, -1.5, 2.0, 1e300}).Draw(r, "size"), done: rapid.SampledFrom([]any{nil, true, false}).Draw(r, "done"),
			stamp: rapid.IntRange(1, 9).Draw(r, "stamp"), dead: rapid.IntRange(0, 1).Draw(r, "dead"), created: rapid.IntRange(0, 3).Draw(r, "created"),
		}
		var done any
		if m.done != nil {
			done = map[any]int{true: 1, false: 0}[m.done]
		}
		statements = append(statements, abi.Statement{
			SQL:  "INSERT INTO Things (ThingId, Name, Kind, Size, Done, stamp, deleted, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
			Args: []any{m.id, m.name, m.kind, m.size, done, m.stamp, m.dead, m.created},
		})
		model = append(model, m)
	}
	if _, err := f.db.Batch(f.Context(), statements); err != nil {
		f.Fatal(err)
	}
	return model
}

func drawFilter(r *rapid.T) (column, is, value string) {
	column = rapid.SampledFrom([]string{"id", "name", "kind", "size", "done", "created_at", "updated_at", "stamp"}).Draw(r, "column")
	texts := []string{"", "a", "b", "A", "é", "%", "_", "'", "x", "a1", "B", "😀"}
	switch column {
	case "id", "name", "kind":
		is, value = rapid.SampledFrom([]string{"equal", "contains", "starts", "less", "greater", "null"}).Draw(r, "is"), rapid.SampledFrom(texts).Draw(r, "value")
	case "done":
		is, value = rapid.SampledFrom([]string{"equal", "null"}).Draw(r, "is"), rapid.SampledFrom([]string{"true", "false"}).Draw(r, "value")
	default:
		is, value = rapid.SampledFrom([]string{"equal", "less", "greater", "null"}).Draw(r, "is"), rapid.SampledFrom([]string{"0", "2", "-1.5", "1e300", "5"}).Draw(r, "value")
	}
	if is == "null" {
		value = ""
	}
	return column, is, value
}

// X2: what is no name of the declaration never reaches the database.
func TestAListingTakesDeclaredNamesOnly(t *testing.T) {
	f := newRuled(t)
	for _, c := range []struct{ query, reason string }{
		{"", `unknown table ""`},
		{"table=Clock", `unknown table "Clock"`},
		{"table=visits&limit=0", "limit must be an integer from 1 to 1000"},
		{"table=visits&limit=1001", "limit must be"},
		{"table=visits&limit=x", "limit must be"},
		{"table=visits&order=stamp", "order must be id or changed"},
		{"table=visits&deleted=yes", "deleted must be also or only"},
		{"table=visits&column=1%3D1&is=equal&value=x", `unknown column "1=1" of table "visits"`},
		{"table=visits&column=deleted&is=equal&value=1", `unknown column "deleted"`},
		{"table=visits&column=name&is=equal&value=1", `unknown column "name"`},
		{"table=visits&is=equal&value=1", `unknown column ""`},
		{"table=visits&value=1", `unknown column ""`},
		{"table=visits&column=owner&is=like&value=x", "is must be equal"},
		{"table=visits&column=owner", "is must be equal"},
		{"table=visits&column=rating&is=contains&value=1", `is=contains is for strings, and column "rating" is a number`},
		{"table=visits&column=rating&is=starts&value=1", "is=starts is for strings"},
		{"table=visits&column=rating&is=equal&value=x", "value must be a number"},
		{"table=visits&column=rating&is=equal&value=NaN", "value must be a number"},
		{"table=visits&column=stamp&is=less&value=", "value must be a number"},
		{"table=visits&column=rating&is=null&value=1", "is=null takes no value"},
		{"table=visits&column=owner&is=equal&value=" + strings.Repeat("x", 4097), "value is longer than 4096 bytes"},
		{"table=visits&after=x", "after must be the next of a page of the same order"},
		{"table=visits&after=aQA", "after must be"},        // no id
		{"table=visits&order=changed&after=aQBh", "after"}, // of the other order
	} {
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := f.List(t.Context(), query.Get, store.Budget{})
		if err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%.60s: got %s, %v, want %s", c.query, answer, err, c.reason)
		}
	}
	if page := f.lists("table", "visits", "after", "aQBh"); page.Next != nil || len(page.Rows) > 0 {
		t.Errorf("a place of the right order: %v", page)
	}
}

// X2: a page looks at 10,000 rows, by an index, and says where the next one begins.
func TestAPageLooksAtABoundedNumberOfRows(t *testing.T) {
	f := newFixture(t)
	f.query("INSERT INTO Customers (CustomerId, ContactName, stamp) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 24999) SELECT format('c%05d', i), iif(i % 9000 = 0, 'rare', 'x'), i + 2 FROM n")
	var pages []string
	for after := ""; ; {
		page := f.lists("table", "customers", "column", "contact_name", "is", "equal", "value", "rare", "after", after)
		ids := []string{}
		for _, row := range page.Rows {
			ids = append(ids, row.Row["id"].(string))
		}
		pages = append(pages, strings.Join(ids, " "))
		if page.Next == nil {
			break
		}
		after = *page.Next
	}
	if want := []string{"c00000 c09000", "c18000", ""}; !slices.Equal(pages, want) {
		t.Errorf("got %q, want %q", pages, want)
	}
	table := NewStatements(record.Default(), 1<<20).inspected(0)
	for order, index := range map[bool]string{false: "sqlite_autoindex_Customers_1", true: "CustomersByStamp"} {
		l := &record.Listing{Newest: order, Limit: 10, From: &record.Place{Stamp: 5, ID: "c"}}
		plan := f.plan(table.Page(l, inspect.Standard, nil).SQL)
		if !strings.Contains(plan, "SEARCH t USING INDEX "+index) || strings.Count(plan, "TEMP B-TREE") > 1 { // the one is for the rows of the page
			t.Errorf("newest %v: the page does not use %s:\n%s", order, index, plan)
		}
	}
	if plan := f.plan(inspect.Count(record.Default().Tables).SQL); strings.Contains(plan, "SCAN Customers\n") {
		t.Errorf("counting reads the rows:\n%s", plan)
	}
}

// X2: a filter compares no value of a row beyond the bounds, which may be long. Here such a value is an error of the database.
func TestAFilterComparesNoValueBeyondTheBounds(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	statements := NewStatements(things(), 1<<20)
	f := &fixture{t, newDialect(db, things(), watermelon.DefaultLimits()), db, noon}
	f.Records = New(db, statements)
	if _, err := db.Batch(t.Context(), createTables(things())); err != nil {
		t.Fatal(err)
	}
	f.query("INSERT INTO Things (ThingId, stamp) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT format('t%02d', i), i FROM n")
	f.query("ALTER TABLE Things DROP COLUMN Size")
	f.query("ALTER TABLE Things ADD COLUMN Size REAL AS (iif(stamp > 5, abs(-9223372036854775808), stamp)) VIRTUAL")
	for want, bounds := range map[int]inspect.Bounds{5: {Rows: 5, Octets: 1 << 20, Text: 1 << 20}, 1: {Rows: 100, Octets: 1, Text: 1 << 20}} {
		statements.looks = bounds
		page := f.lists("table", "things", "limit", "1000", "column", "size", "is", "greater", "value", "0")
		if len(page.Rows) != want || page.Next == nil {
			t.Errorf("%+v: got %d rows and next %v, want %d and a next", bounds, len(page.Rows), page.Next, want)
		}
	}
}

// X3: a row is shown whoever may read it, also a deleted one, with what the server keeps for its subjects.
func TestAnOperatorSeesARowAndItsVerdicts(t *testing.T) {
	f := newRuled(t)
	ann, bob := f.as("ann", "", "red"), f.as("bob", "")
	look := func(table, id string) object {
		t.Helper()
		answer, _, err := f.Look(t.Context(), table, id, store.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		var got object
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		return got
	}
	_, done := ann.pushes(1, object{"places+": list{row("p", at(0), "owner", "ann", "team", "red", "name", "x")}})
	got := look("places", "p")
	f.same("a live row", got["row"], object{"id": "p", "owner": "ann", "team": "red", "name": "x", "created_at": at(0), "updated_at": at(0)})
	f.same("its state", list{got["state"], got["stamp"], got["verdicts"]}, list{"live", done.Timestamp, list{}})

	f.after(time.Second)
	bob.pushes(done.Timestamp, object{"places*": list{row("p", at(5), "owner", "bob", "team", "red", "name", "mine")}})
	bob.pushes(done.Timestamp, object{"places-": list{"p"}})
	kinds := map[string]any{}
	for _, v := range look("places", "p")["verdicts"].([]any) {
		kinds[v.(object)["kind"].(string)] = v.(object)["subject"]
	}
	f.same("of bob, whose edit and deletion were rejected", kinds, object{"brought": "bob", "rejected": "bob", "rejected_deletion": "bob"})

	f.after(time.Second)
	_, done = ann.pushes(done.Timestamp, object{"places*": list{row("p", at(2000), "owner", "ann", "team", "blue", "name", "x")}})
	newest := look("places", "p")["verdicts"].([]any)[0].(object)
	f.same("of those who could read it before", newest, object{"kind": "withdrawn", "subject": nil, "stamp": done.Timestamp, "old": object{"owner": "ann", "team": "red"}})

	f.after(time.Second)
	_, done = ann.pushes(done.Timestamp, object{"places-": list{"p"}})
	got = look("places", "p")
	f.same("a deleted row", list{got["state"], got["stamp"], got["row"].(object)["team"]}, list{"deleted", done.Timestamp, "blue"})
	got = look("places", "never")
	f.same("no row", list{got["state"], got["stamp"], got["row"], got["verdicts"]}, list{"unknown", nil, nil, list{}})
}

// X1: the tables as they are declared, and how many rows each has.
func TestTheTablesAreShownAsTheyAreDeclared(t *testing.T) {
	f := newRuled(t)
	ann := f.as("ann", "edit")
	_, done := ann.pushes(1, object{"visits+": list{row("a", at(0), "owner", "ann"), row("b", at(0), "owner", "ann")}, "catalogue+": list{row("c", at(0), "title", "t", "rating", 2)}})
	_, done = ann.pushes(done.Timestamp, object{"visits-": list{"b"}})
	answer, err := f.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Timestamp stamp
		Version   int
		Tables    []struct {
			Name, Read, Write string
			Rows, Tombstones  int
			Columns           []object
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, table := range got.Tables {
		lines = append(lines, fmt.Sprint(table.Name, " read ", table.Read, " write ", table.Write, " ", table.Rows, table.Tombstones))
	}
	f.same("the tables", lines, []string{
		"visits read owner = sub write owner = sub 1 1", "places read owner = sub or team in teams write owner = sub or team in teams 0 0",
		"catalogue read all write scope edit 1 0", "box read owner = sub write all 0 0",
	})
	f.same("the columns of visits", got.Tables[0].Columns, list{
		object{"name": "owner", "type": "string", "optional": false, "since": 1},
		object{"name": "rating", "type": "number", "optional": true, "since": 1, "min": 1, "max": 5},
	})
	f.same("the rest", list{got.Timestamp, got.Version}, list{done.Timestamp, 1})
}
