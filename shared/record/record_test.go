package record

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// The tables of the first release. Apps and databases have them.
func TestTheSchemaOfThisAppIsThatOfTheFirstRelease(t *testing.T) {
	text := func(name, sql string) Column { return Column{Name: name, SQL: sql, Type: String, Nullable: true} }
	number := func(name, sql string) Column { return Column{Name: name, SQL: sql, Type: Number, Nullable: true} }
	want := Schema{Version: 1, Tables: []Table{
		{Name: "customers", SQL: "Customers", ID: "CustomerId", Columns: []Column{
			text("contact_name", "ContactName"), text("company_name", "CompanyName"), text("notes", "Notes")}},
		{Name: "products", SQL: "Products", ID: "ProductId", Columns: []Column{
			text("title", "Title"), text("description", "Description"), number("price", "Price"), number("discounts", "Discounts"), text("image", "Image")}},
	}}
	if d := cmp.Diff(want, Default(), cmpopts.IgnoreUnexported(Check{})); d != "" {
		t.Error(d)
	}
}

func TestADeclarationThatSQLCannotHoldIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Schema)
		want string
	}{
		"version":          {func(s *Schema) { s.Version = 0 }, "version 0"},
		"quoted name":      {func(s *Schema) { s.Tables[0].SQL = `a"b` }, "names"},
		"statement":        {func(s *Schema) { s.Tables[0].Columns[0].SQL = "a; DROP TABLE b" }, "column names"},
		"table twice":      {func(s *Schema) { s.Tables[1].Name = "customers" }, "declared twice"},
		"column twice":     {func(s *Schema) { s.Tables[0].Columns[1].Name = "contact_name" }, "declared twice"},
		"reserved":         {func(s *Schema) { s.Tables[0].Columns[1].Name = "_status" }, "column names"},
		"reserved in SQL":  {func(s *Schema) { s.Tables[0].Columns[1].SQL = "stamp" }, "reserved"},
		"newer table":      {func(s *Schema) { s.Tables[0].Since = 2 }, "since version 2"},
		"newer column":     {func(s *Schema) { s.Tables[0].Columns[0].Since = 2 }, "since version 2"},
		"default's type":   {func(s *Schema) { s.Tables[0].Columns[0].Default = 1.0 }, "default"},
		"too many columns": {func(s *Schema) { s.Tables[0].Columns = make([]Column, MaxColumns+1) }, "49 columns"},
	} {
		s := Default()
		c.edit(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func row(t *rapid.T, name string) Row {
	value := rapid.OneOf(rapid.Just[any](nil), rapid.SampledFrom([]any{"", "a", "b", `"`, 0.0, 1.0, 10.0, 9.5, 1e20, true, false}))
	return Row{
		Values:    rapid.SliceOfN(value, 2, 2).Draw(t, name),
		CreatedAt: float64(rapid.IntRange(0, 1).Draw(t, name)),
		UpdatedAt: float64(rapid.IntRange(0, 2).Draw(t, name)),
	}
}

func TestConflictsHaveATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := row(t, "a"), row(t, "b"), row(t, "c")
		if Compare(a, b) != -Compare(b, a) {
			t.Fatalf("%v, %v: not antisymmetric", a, b)
		}
		if Compare(a, b) >= 0 && Compare(b, c) >= 0 && Compare(a, c) < 0 {
			t.Fatalf("%v, %v, %v: not transitive", a, b, c)
		}
		if Compare(a, a) != 0 {
			t.Fatalf("%v: not equal to itself", a)
		}
	})
}

// The same claim, made again later, never counts more than it did at first,
// whatever other claims came in between.
func TestAClaimNeverGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type claim struct {
			at   float64
			base Stamp
		}
		var ahead float64
		now := int64(1_000_000)
		first := map[claim]float64{}
		for range 20 {
			now += rapid.Int64Range(0, 20_000).Draw(t, "elapsed")
			c := claim{float64(rapid.Int64Range(990_000, 1_200_000).Draw(t, "claimed") / 10_000 * 10_000), Stamp(rapid.Int64Range(0, 5).Draw(t, "base") * 50_000)}
			var counts float64
			counts, ahead = Claim(c.at, ahead, c.base, now)
			if counts > math.Max(float64(now), float64(c.base))+ToleranceMillis {
				t.Fatalf("%v at %d counts %v", c, now, counts)
			}
			if was, ok := first[c]; ok && counts > was {
				t.Fatalf("%v counted %v, at %d %v", c, was, now, counts)
			} else if !ok {
				first[c] = counts
			}
		}
	})
}

func TestNamesAndIDs(t *testing.T) {
	long := strings.Repeat("a", 65)
	for name, want := range map[string][3]bool{ // a wire name, an SQL name, an id
		"a": {true, true, true}, "a_1": {true, true, true}, "aB": {false, true, true}, "1a": {false, false, true},
		"_a": {false, false, true}, "a-b": {false, false, true}, "": {}, "ä": {}, "a b": {}, "[": {}, "`": {}, "a{": {}, "a/": {}, "a:": {}, "@": {},
		long[1:]: {true, true, true}, long: {},
	} {
		if got := [3]bool{IsWireName(name), IsSQLName(name), ValidID(name, 64)}; got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}
