package watermelon

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/record"
)

func decode(input string, edit ...func(*Limits)) (*Push, error) {
	schema, limits := record.Default(), DefaultLimits()
	for _, e := range edit {
		e(&limits)
	}
	return DecodePush(&schema, limits, []byte(input))
}

// customers is a push of customers.
func customers(changes string) string {
	return `{"changes":{"customers":{` + changes + `}},"lastPulledAt":5}`
}

func TestAPushBecomesPositionalRows(t *testing.T) {
	p, err := decode(`{"lastPulledAt":5,"conflict":"abort","changes":{"products":{"deleted":["p1","p.2"]},
		"customers":{"created":[{"id":"a","_status":"created","_changed":"","notes":"n\u00e9\n","updated_at":7,"created_at":6.5,"company_name":null,"contact_name":"A"}],
		"updated":[{"\u0069d":"b","contact\u005fname":"B","newer":[1,{"x":2}]},{"id":"c","updated_at":-1e3}],"deleted":["d"]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&Push{Ignored: [][]string{{"newer"}, nil}, Batch: record.Batch{Base: 5, Abort: true, Tables: []record.TableBatch{
		{
			Rows:    [][]byte{[]byte(`[["a",15,7,6.5,"A",null,"n\u00e9\n"],["b",1,null,0,"B",0,0],["c",0,-1e3,0,0,0,0]]`)},
			Deleted: [][]byte{[]byte(`["d"]`)},

			RowCount: 3, DeletedCount: 1, Partial: true, Latest: 7,
		},
		{Deleted: [][]byte{[]byte(`["p1","p.2"]`)}, DeletedCount: 2},
	}}}, p); d != "" {
		t.Error(d)
	}
}

func TestAPushThatBreaksARuleIsRefused(t *testing.T) {
	long := strings.Repeat("x", 200)
	endless := strings.Repeat(long, 6)
	for _, c := range []struct {
		input string
		want  InputError // Reason: a part of it
	}{
		{``, InputError{Reason: "unexpected end"}},
		{`[]`, InputError{Reason: "the input must be an object"}},
		{`{}`, InputError{Reason: "changes are missing"}},
		{`{"changes":null}`, InputError{Reason: "changes must be an object"}},
		{`{"changes":{}} x`, InputError{Reason: "unexpected 'x'"}},
		{`{"changes":{},"changes":{}}`, InputError{Reason: `"changes" is there twice`}},
		{`{"changes":{},"lastPulledAt":"5"}`, InputError{Reason: "lastPulledAt must be a number"}},
		{`{"changes":{},"lastPulledAt":5.5}`, InputError{Reason: "lastPulledAt must be an integer"}},
		{`{"changes":{},"lastPulledAt":-1}`, InputError{Reason: "lastPulledAt must be an integer"}},
		{`{"changes":{},"conflict":"maybe"}`, InputError{Reason: "conflict must be"}},
		{`{"changes":{"nope":{"created":[],"updated":[{"x":[1],"id":"a"}],"deleted":[]}}}`, InputError{Table: "nope", ID: "a", Reason: "no such table"}},
		{`{"changes":{"customers; DROP TABLE Customers":{"created":[5]}}}`, InputError{Table: "customers; DROP TABLE Customers", Reason: "no such table"}},
		{`{"changes":{"` + long + `":{"created":[{}]}}}`, InputError{Table: long[:64] + "…", Reason: "no such table"}},
		{`{"changes":{"nope":{"created":[],}}}`, InputError{Table: "nope", Reason: "unexpected '}'"}},
		{`{"changes":{"customers":{},"customers":{}}}`, InputError{Reason: `"customers" is there twice`}},
		{`{"changes":{"customers":[]}}`, InputError{Table: "customers", Reason: "must be an object"}},
		{customers(`"erased":[]`), InputError{Table: "customers", Reason: `unknown member "erased"`}},
		{customers(`"created":{}`), InputError{Table: "customers", Reason: "created must be an array"}},
		{customers(`"created":[],"created":[]`), InputError{Table: "customers", Reason: "there twice"}},
		{customers(`"created":[1]`), InputError{Table: "customers", Reason: "a row must be an object"}},
		{customers(`"created":[{}]`), InputError{Table: "customers", Reason: "a row has no id"}},
		{customers(`"created":[{"id":5}]`), InputError{Table: "customers", Reason: "id must be a string"}},
		{customers(`"created":[{"id":""}]`), InputError{Table: "customers", Reason: "id must be 1 to 128"}},
		{customers(`"created":[{"id":"` + long + `"}]`), InputError{Table: "customers", ID: long, Reason: "id must be 1 to 128"}},
		{customers(`"created":[{"id":"` + endless + `"}]`), InputError{Table: "customers", ID: endless[:1024] + "…", Reason: "id must be 1 to 128"}},
		{customers(`"created":[{"id":"a b"}]`), InputError{Table: "customers", ID: "a b", Reason: "id must be"}},
		{customers(`"created":[{"id":"é"}]`), InputError{Table: "customers", ID: "é", Reason: "id must be"}},
		{customers(`"created":[{"id":"a\u0000"}]`), InputError{Table: "customers", ID: "a\x00", Reason: "id must be"}},
		{customers(`"created":[{"id":"a","id":"b"}]`), InputError{Table: "customers", ID: "a", Reason: "id is there twice in the row"}},
		{customers(`"created":[{"id":"a"},{"id":"a"}]`), InputError{Table: "customers", ID: "a", Reason: "id is there twice"}},
		{customers(`"created":[{"id":"a"}],"updated":[{"id":"\u0061"}]`), InputError{Table: "customers", ID: "a", Reason: "id is there twice"}},
		{customers(`"updated":[{"id":"a"}],"deleted":["a"]`), InputError{Table: "customers", ID: "a", Reason: "id is there twice"}},
		{customers(`"deleted":["a","a"]`), InputError{Table: "customers", ID: "a", Reason: "id is there twice"}},
		{customers(`"deleted":[7]`), InputError{Table: "customers", Reason: "id must be a string"}},
		{customers(`"deleted":["a;b"]`), InputError{Table: "customers", ID: "a;b", Reason: "id must be"}},
		{customers(`"created":[{"id":"a","contact_name":5}]`), InputError{Table: "customers", ID: "a", Column: "contact_name", Reason: "must be a string"}},
		{customers(`"created":[{"id":"a","contact_name":{"$ne":1}}]`), InputError{Table: "customers", ID: "a", Column: "contact_name", Reason: "must be a string"}},
		{customers(`"created":[{"id":"a","notes":"x","notes":"y"}]`), InputError{Table: "customers", ID: "a", Column: "notes", Reason: "there twice"}},
		{customers(`"created":[{"id":"a","updated_at":null}]`), InputError{Table: "customers", ID: "a", Column: "updated_at", Reason: "must be a number"}},
		{customers(`"created":[{"id":"a","updated_at":"now"}]`), InputError{Table: "customers", ID: "a", Column: "updated_at", Reason: "must be a number"}},
		{customers(`"created":[{"id":"a","updated_at":NaN}]`), InputError{Table: "customers", ID: "a", Column: "updated_at", Reason: "unexpected 'N'"}},
		{customers(`"created":[{"id":"a","updated_at":1e999}]`), InputError{Table: "customers", ID: "a", Column: "updated_at", Reason: "number out of range"}},
		{customers(`"created":[{"id":"a","created_at":true}]`), InputError{Table: "customers", ID: "a", Column: "created_at", Reason: "must be a number"}},
		{customers("\"created\":[{\"id\":\"a\",\"notes\":\"\xff\"}]"), InputError{Table: "customers", ID: "a", Column: "notes", Reason: "invalid UTF-8"}},
		{customers(`"created":[{"id":"a","notes":"x"]`), InputError{Table: "customers", ID: "a", Reason: "unexpected ']'"}},
		{customers(`"created":[{"id":"a","x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}]`), InputError{Table: "customers", ID: "a", Column: "x", Reason: "nested too deeply"}},
		{customers(`"deleted":["a"`), InputError{Table: "customers", Reason: "unexpected '}'"}},
		{customers(`"created":[{"id":"z"},{"contact_name":5,"id":"a"},{"id":"b"}]`), InputError{Table: "customers", ID: "a", Column: "contact_name", Reason: "must be a string"}},
		{customers(`"created":[{"contact_name":{"id":"inner"},"x":[{"id":"inner"}], "\u0069d" : "\u0061" }]`), InputError{Table: "customers", ID: "a", Column: "contact_name", Reason: "must be a string"}},
		{customers(`"created":[{"notes":"x","notes":"y","id":"a"}]`), InputError{Table: "customers", ID: "a", Column: "notes", Reason: "there twice"}},
		{customers(`"created":[{"notes":"x","notes":"y","id":"a","id":"b"}]`), InputError{Table: "customers", ID: "a", Column: "notes", Reason: "there twice"}},
		{customers(`"created":[{"updated_at":1e999,"id":"a"}]`), InputError{Table: "customers", ID: "a", Column: "updated_at", Reason: "number out of range"}},
		{customers(`"created":[{"id":"\ud800"}]`), InputError{Table: "customers", ID: "\ufffd", Reason: "id must be"}},
		{customers(`"created":[{"notes":5,"id":"a b"}]`), InputError{Table: "customers", ID: "a b", Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":5,"id":"` + long + `"}]`), InputError{Table: "customers", ID: long, Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"id":"` + long[:128] + `","notes":5}]`), InputError{Table: "customers", ID: long[:128], Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":5,"id":""}]`), InputError{Table: "customers", Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":5,"id":7,"id":"a"}]`), InputError{Table: "customers", Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":5,"id":null}]`), InputError{Table: "customers", Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":5,"ID":"a"},{"id":"b"}]`), InputError{Table: "customers", Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":5},{"id":"b"}]`), InputError{Table: "customers", Column: "notes", Reason: "must be a string"}},
		{customers(`"created":[{"notes":NaN,"id":"a"}]`), InputError{Table: "customers", Column: "notes", Reason: "unexpected 'N'"}},
		{customers(`"created":[["id","a"],{"id":"b"}]`), InputError{Table: "customers", Reason: "a row must be an object"}},
		{`{"changes":{"customers":{"created":[{"notes":5`, InputError{Table: "customers", Column: "notes", Reason: "must be a string"}},
		{`{"changes":{"products":{"created":[{"id":"p","price":"5"}]}}}`, InputError{Table: "products", ID: "p", Column: "price", Reason: "must be a number"}},
	} {
		p, err := decode(c.input)
		var got *InputError
		if !errors.As(err, &got) || p != nil {
			t.Errorf("%.80s: got %v, want %+v", c.input, err, c.want)
			continue
		}
		if !strings.Contains(got.Reason, c.want.Reason) {
			t.Errorf("%.80s: got %q, want %q", c.input, got.Reason, c.want.Reason)
		}
		c.want.Reason = got.Reason
		if d := cmp.Diff(c.want, *got); d != "" {
			t.Errorf("%.80s: -want +got:\n%s", c.input, d)
		}
	}
}

// docs/protocol.md, U8: WatermelonDB sends every collection, and half an emoji where a text
// was cut; nothing of that may keep an app from synchronizing.
func TestWhatTheServerDoesNotKnowIsNoFault(t *testing.T) {
	p, err := decode(`{"lastPulledAt":5,"changes":{"drafts":{"created":[],"updated":[],"deleted":[]},"nope":{},"old":{"deleted":["a"]},
		"customers":{"created":[{"id":"a","notes":"cut \ud83d","ignored":["\udc00"]},` + manyColumns() + `]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if ignored := p.Ignored[0]; len(ignored) != maxIgnored || ignored[0] != "ignored" || ignored[63] != "u62" {
		t.Errorf("reported as ignored: %v", ignored)
	}
	if got := string(p.Tables[0].Rows[0]); !strings.Contains(got, `"cut \ufffd"`) {
		t.Errorf("got %s", got)
	}
	schema := record.Default()
	schema.Local = []string{"drafts"}
	input := `{"changes":{"drafts":{"created":[{"id":"a"}],"deleted":["b"]},"other":{"created":[{"id":"a"}]}}}`
	_, err = DecodePush(&schema, DefaultLimits(), []byte(input))
	var refused *InputError
	if !errors.As(err, &refused) || refused.Table != "other" {
		t.Errorf("a local table beside an unknown one: %v", err)
	}
	if _, err := DecodePush(&schema, DefaultLimits(), []byte(strings.ReplaceAll(input, "other", "drafts2"))); err == nil {
		t.Error("rows of an unknown table are taken")
	}
	schema.Local = append(schema.Local, "other")
	if _, err := DecodePush(&schema, DefaultLimits(), []byte(input)); err != nil {
		t.Error(err)
	}
}

func TestTheIdOfABadRowIsSoughtInARowOfTheLimit(t *testing.T) {
	long := strings.Repeat("x", 100)
	behind, ahead := `{"notes":5,"x":"`+long+`","id":"a"}`, `{"x":"`+long+`","id":"a","notes":5}`
	for _, c := range []struct {
		row      string
		rowBytes int
		want     string
	}{{behind, len(behind), "a"}, {behind, len(behind) - 8, ""}, {ahead, 50, "a"}} {
		_, err := decode(customers(`"created":[`+c.row+`]`), func(l *Limits) { l.RowBytes = c.rowBytes })
		var got *InputError
		if !errors.As(err, &got) || got.ID != c.want || got.Column != "notes" {
			t.Errorf("%s, at most %d bytes: %v, want the id %q", c.row, c.rowBytes, err, c.want)
		}
	}
}

func manyColumns() string {
	row := `{"id":"b"`
	for i := range 65 {
		row += fmt.Sprintf(`,"u%d":1`, i)
	}
	return row + "}"
}

func TestAPushBeyondTheLimitsIsTooLarge(t *testing.T) {
	rows := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"id":"r%d"}`, i))
		}
		return customers(`"created":[` + strings.Join(list, ",") + `]`)
	}
	few := func(l *Limits) { l.PushRows, l.PushIDs, l.RowBytes = 3, 2, 100 }
	for input, ok := range map[string]bool{
		rows(3):                              true,
		rows(4):                              false,
		customers(`"deleted":["a","b"]`):     true,
		customers(`"deleted":["a","b","c"]`): false,
		customers(`"created":[{"id":"a","notes":"` + strings.Repeat("x", 79) + `"}]`): true,
		customers(`"created":[{"id":"a","notes":"` + strings.Repeat("x", 80) + `"}]`): false,
		customers(`"created":[{"id":"a","other":"` + strings.Repeat("x", 80) + `"}]`): false,
	} {
		if _, err := decode(input, few); (err == nil) != ok || !ok && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%.60s: %v", input, err)
		}
	}
	million := customers(`"created":[` + strings.Repeat(`{"id":"a"},`, 1_000_000) + `{"id":"a"}]`)
	if _, err := decode(million); err == nil {
		t.Error("a million rows of one id were taken")
	}
}

func TestRowsAreCutIntoChunks(t *testing.T) {
	text := strings.Repeat("x", 400_000)
	var rows, ids []string
	for i := range 8 {
		rows = append(rows, fmt.Sprintf(`{"id":"r%d","notes":"%s"}`, i, text))
	}
	for i := range 49_000 {
		ids = append(ids, fmt.Sprintf(`"%0100d"`, i))
	}
	p, err := decode(customers(`"created":[` + strings.Join(rows, ",") + `],"deleted":[` + strings.Join(ids, ",") + `]`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		chunks [][]byte
		want   int
	}{"rows": {p.Tables[0].Rows, 8}, "ids": {p.Tables[0].Deleted, 49_000}} {
		n := 0
		for _, chunk := range c.chunks {
			var list []any
			if err := json.Unmarshal(chunk, &list); err != nil || len(chunk) > ChunkBytes {
				t.Fatalf("%s: %d octets, %v", name, len(chunk), err)
			}
			n += len(list)
		}
		if n != c.want || len(c.chunks) < 3 {
			t.Errorf("%s: %d in %d chunks, want %d", name, n, len(c.chunks), c.want)
		}
	}
}

// FuzzDecodePush compares what is taken with what encoding/json reads.
func FuzzDecodePush(f *testing.F) {
	f.Add([]byte(customers(`"created":[{"id":"a","notes":"\u00e9","updated_at":7,"x":[1]}],"deleted":["b"]`)))
	f.Add([]byte(`{"changes":{"products":{"updated":[{"id":"p","price":1.5e3,"image":null}]}},"conflict":"abort","lastPulledAt":null}`))
	f.Add([]byte(`{"changes":{"customers":{"created":[{"id":"a","\u0069d":"b"}]}}}`))
	schema := record.Default()
	f.Fuzz(func(t *testing.T, input []byte) {
		p, err := DecodePush(&schema, DefaultLimits(), input)
		if err != nil {
			var bad *InputError
			if !errors.As(err, &bad) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%q: %v", input, err)
			}
			return
		}
		var top map[string]json.RawMessage
		var want map[string]map[string]json.RawMessage
		if err := json.Unmarshal(input, &top); err != nil {
			t.Fatalf("%q was taken: %v", input, err)
		}
		if err := json.Unmarshal(top["changes"], &want); err != nil {
			t.Fatalf("%q was taken: %v", input, err)
		}
		list := func(table, name string) (rows []map[string]any) {
			if raw := want[table][name]; raw != nil {
				if err := json.Unmarshal(raw, &rows); err != nil {
					t.Fatalf("%q was taken: %v", input, err)
				}
			}
			return rows
		}
		for i, w := range p.Tables {
			table := schema.Tables[i]
			given := append(list(table.Name, "created"), list(table.Name, "updated")...)
			var rows [][]any
			for _, chunk := range w.Rows {
				var list [][]any
				if err := json.Unmarshal(chunk, &list); err != nil {
					t.Fatalf("%q: %s: %v", input, chunk, err)
				}
				rows = append(rows, list...)
			}
			if len(rows) != len(given) {
				t.Fatalf("%q: %d rows", input, len(rows))
			}
			// created and updated may come in either order.
			byID := map[any]map[string]any{}
			for _, r := range given {
				byID[r["id"]] = r
			}
			for _, row := range rows {
				from := byID[row[0]]
				mask := int(row[1].(float64))
				for c, col := range table.Columns {
					v, has := from[col.Name]
					if has != (mask>>c&1 == 1) || has && !cmp.Equal(v, row[4+c]) {
						t.Fatalf("%q: %s is %v, want %v", input, col.Name, row[4+c], v)
					}
				}
				if !cmp.Equal(row[2], from["updated_at"]) {
					t.Fatalf("%q: updated_at is %v", input, row[2])
				}
			}
		}
	})
}

// FuzzDecodePull only must not fail otherwise than with an input error.
func FuzzDecodePull(f *testing.F) {
	f.Add([]byte(`{"lastPulledAt":5,"schemaVersion":1,"migration":{"from":1,"tables":["products"],"columns":[{"table":"customers","columns":["notes"]}]},"limit":3}`))
	c := record.Position{Since: 5, AsOf: 9, Stamp: 7, Table: 1, ID: "x"}
	schema := record.Default()
	p, err := DecodePull(&schema, DefaultLimits(), []byte(`{"lastPulledAt":5}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"lastPulledAt":5,"cursor":"` + string(appendCursor(nil, &c, p.signature)) + `"}`))
	f.Fuzz(func(t *testing.T, input []byte) {
		p, err := DecodePull(&schema, DefaultLimits(), input)
		var bad *InputError
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("%q: %v", input, err)
		}
		if err == nil && p.After != nil {
			if again, ok := parseCursor(string(appendCursor(nil, p.After, p.signature)), p.signature); !ok || *again != *p.After {
				t.Fatalf("%q: cursor %+v came back as %+v", input, p.After, again)
			}
		}
	})
}
