//go:build !js

package spaces

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/tables"
)

// declare returns the tables of a declaration.
func declare(t *testing.T, text string) *Tables {
	t.Helper()
	schema, err := record.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return NewTables(schema)
}

const (
	visits      = `{"version":1,"tables":[{"name":"visits","sql":"Visits","columns":[{"name":"owner","type":"string"}]}]}`
	ratedVisits = `{"version":2,"tables":[
		{"name":"visits","sql":"Visits","read":"owner = sub","columns":[{"name":"owner","type":"string"},{"name":"rating","type":"number","since":2,"default":3}]},
		{"name":"tags","since":2,"columns":[{"name":"title","type":"string"}]}]}`
	tags    = `{"version":1,"tables":[{"name":"tags","columns":[{"name":"title","type":"string"}]}]}`
	dates   = `{"version":1,"tables":[{"name":"visits","sql":"Visits","columns":[{"name":"owner","type":"number"}]}]}`
	another = `{"version":1,"tables":[{"name":"visits","sql":"Visits","columns":[{"name":"owner","type":"string"},{"name":"place","type":"string"}]}]}`
)

// under is the object in another instance, whose guest has other tables.
func (f *fixture) under(declaration string) {
	f.Helper()
	f.again()
	f.DB.tables = declare(f.T, declaration)
}

var visit = abi.Statement{SQL: `INSERT INTO Visits (id, owner) VALUES ('v', 'ann')`}

func TestASpaceHasTheDeclaredTablesAndThoseAlone(t *testing.T) { // D3, S6
	f := newFixture(t)
	f.under(visits)
	if n := f.number(`SELECT count(*) FROM Visits`); n != 0 {
		t.Errorf("%v rows", n)
	}
	f.wantNothingStored()
	f.run(f, visit)
	if n := f.number(`SELECT count(*) FROM sqlite_master WHERE name IN ('Customers', 'Products', 'VisitsByStamp')`); n != 1 {
		t.Errorf("%v of the tables", n)
	}
	f.under(visits)
	before := f.object.Stored.Load()
	if n := f.number(`SELECT count(*) FROM Visits`); n != 1 || f.object.Stored.Load() != before+2 { // what it knows of itself, and the count
		t.Errorf("%v rows, %d transactions", n, f.object.Stored.Load()-before)
	}
}

func TestASpaceAddsWhatIsNewInTheDeclaration(t *testing.T) { // D3
	f := newFixture(t)
	f.under(visits)
	f.run(f, visit)
	f.under(ratedVisits)
	if got := f.number(`SELECT rating + (SELECT count(*) FROM tags) FROM Visits INDEXED BY VisitsByowner WHERE owner = 'ann'`); got != 3 {
		t.Errorf("got %v", got)
	}
	// What is gone is left alone. If it comes back, it has its rows.
	f.run(f, abi.Statement{SQL: `UPDATE Visits SET rating = 5`})
	f.under(tags)
	if n := f.number(`SELECT count(*) FROM tags`); n != 0 {
		t.Errorf("%v rows", n)
	}
	f.under(another)
	if got := f.number(`SELECT rating FROM Visits WHERE place = ''`); got != 5 {
		t.Errorf("got %v", got)
	}
	f.again()
	if got := f.number(`SELECT count(*) FROM Customers`) + f.number(`SELECT rating FROM Visits`); got != 5 {
		t.Errorf("got %v", got)
	}
}

// A space keeps rows that a declaration cannot have, and serves nothing until the declaration
// is corrected.
func TestASpaceRefusesADeclarationThatItsRowsDoNotFit(t *testing.T) {
	f := newFixture(t)
	f.under(visits)
	f.run(f, visit)
	f.under(dates)
	var unfit *tables.UnfitError
	for range 2 {
		if _, err := f.Batch(background, []abi.Statement{{SQL: `SELECT 1`}}); !errors.As(err, &unfit) {
			t.Errorf("got %v", err)
		}
	}
	f.under(visits)
	if n := f.number(`SELECT count(*) FROM Visits`); n != 1 {
		t.Errorf("%v rows", n)
	}
	f.run(f, abi.Statement{SQL: `DELETE FROM Visits`})
	f.under(dates)
	f.run(f, abi.Statement{SQL: `INSERT INTO Visits (id, owner) VALUES ('v', 7)`})
	if got := f.run(f, abi.Statement{SQL: `SELECT owner FROM Visits`})[0].Rows[0][0]; got != 7.0 {
		t.Errorf("got %v", got)
	}
}

// A failing storage stops before a commit.
type failing struct {
	Storage
	left int // commits
}

var errCut = errors.New("cut off")

func (s *failing) Exec(statements ...abi.Statement) ([]abi.Result, error) {
	if s.left--; s.left < 0 {
		return nil, errCut
	}
	return s.Storage.Exec(statements...)
}

func TestACrashWhileTablesAreAddedIsHarmless(t *testing.T) { // D3
	for left := range 3 {
		f := newFixture(t)
		f.under(visits)
		f.run(f, visit)
		f.under(ratedVisits)
		f.DB.storage = &failing{f.object, left}
		count := []abi.Statement{{SQL: `SELECT sum(rating) FROM Visits`}}
		if _, err := f.Batch(background, count); !errors.Is(err, errCut) {
			t.Errorf("after %d commits: %v", left, err)
		}
		f.under(ratedVisits)
		if got := f.number(count[0].SQL); got != 3 {
			t.Errorf("after %d commits: got %v", left, got)
		}
	}
}

// A space that was made before layouts had declarations has its rows, in Customers and
// Products. S3.
func TestASpaceOfTheFirstLayoutOpens(t *testing.T) {
	for _, declaration := range []string{string(new(record.Default()).Encode()), ratedVisits} {
		f := newFixture(t)
		old := store.Layouts{first}
		_, err := f.object.Exec(slices.Concat(old.Create(), f.birth(), []abi.Statement{insert("a"), {SQL: `INSERT INTO Products (ProductId, Price) VALUES ('p', 2.5)`}})...)
		if err != nil {
			t.Fatal(err)
		}
		f.under(declaration)
		if got := f.number(`SELECT Price + (SELECT count(*) FROM Customers) FROM Products`); got != 3.5 {
			t.Errorf("got %v", got)
		}
		if strings.Contains(declaration, "visits") {
			f.run(f, visit)
		}
		if n := f.number(`SELECT version FROM layout`); int(n) != len(layouts) {
			t.Errorf("the layout has number %v", n)
		}
	}
}
