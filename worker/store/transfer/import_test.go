//go:build !js

package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

const header = `{"format":1,"space":"acme","stamp":7,"export":"x"}`

func pageOf(lines ...string) []byte {
	return []byte(strings.Join(lines, "\n") + "\n")
}

// onePage is a page that is a whole export.
func onePage(lines ...string) []byte {
	return pageOf(slices.Concat([]string{header}, lines, []string{`{"next":null}`})...)
}

func (p *place) import1(page []byte) (Imported, error) {
	return p.transfer.Import(context.Background(), p.now, page, store.Budget{})
}

func TestAMalformedPageNamesTheLineAndWritesNothing(t *testing.T) { // S11
	const (
		value   = `{"id":"a","contact_name":"A","company_name":null,"notes":"","created_at":1,"updated_at":2}`
		row     = `{"row":"customers","stamp":1,"ahead":null,"value":` + value + `}`
		proj    = `{"project":"p","seq":5,"floor":0}`
		meta    = `"seq":1,"created_seq":1,"server_version":1,"deleted_version":null,"changed":{}`
		member  = `{"collection":"memberships","project":"p",` + meta + `,"value":{"id":"%s","user_id":"%s","role":"Owner"}}`
		link    = `{"collection":"dependencies","project":"p",` + meta + `,"value":{"id":"%s","predecessor_id":"t1","successor_id":"t2","type":"FS","lag_days":0}}`
		main    = `{"document":"r","updated_at":5,"parts":1,"state":""}`
		version = `{"version":"v","document":"r","bytes":3,"name":"","subject":"","created_at":1,"state":"%s"}`
	)
	long := strings.Repeat("n", 1_000_000)
	for _, c := range []struct {
		page []byte
		line int
		want string
	}{
		{nil, 1, "unexpected end"},
		{[]byte("\n"), 1, "unexpected end"},
		{pageOf(header), 1, "a page ends with"},
		{pageOf(header, row), 2, "a page ends with"},
		{pageOf(row, `{"next":null}`), 1, "a page begins with"},
		{pageOf(`{"next":null}`), 1, "a page begins with"},
		{pageOf(header, `{"next":null}`, ``), 3, "a page ends with"},
		{pageOf(header, `{"next":7}`), 2, `"next" must be a string`},
		{pageOf(header, `{"next":""}`), 2, `"next" must be a string`},
		{pageOf(header, `{"next":null,"x":1}`), 2, `unknown member "x"`},
		{pageOf(`{"format":2,"space":"","stamp":7,"export":"x"}`, `{"next":null}`), 1, "the format is 2, and this server reads format 1"},
		{pageOf(`{"format":1,"space":"","export":"x"}`, `{"next":null}`), 1, `the member "stamp" is missing`},
		{pageOf(`{"format":1,"space":"","stamp":7,"export":"a b"}`, `{"next":null}`), 1, `"export" must be`},
		{pageOf(`{"format":1,"space":"","stamp":-7,"export":"x"}`, `{"next":null}`), 1, `"stamp" must be a whole number from 0`},
		{pageOf(`{"format":1,"space":"","stamp":9007199254740991,"export":"x"}`, `{"next":null}`), 1, `"stamp" must be`},
		{pageOf(`{"page":1,"export":"x"}`, `{"next":null}`), 1, `"page" must be a whole number from 2`},
		{onePage(row, ``), 3, "unexpected end"},
		{onePage(`[]`), 2, "JSON: unexpected '['"},
		{onePage(`{}`), 2, "a line must be an object with a member"},
		{onePage(`{"ticket":"x"}`), 2, `unknown kind of line "ticket"`},
		{onePage(header), 2, `unknown kind of line "format"`},
		{onePage(`{"next":"x"}`), 2, `unknown kind of line "next"`},
		{onePage(row[:30]), 2, "JSON: unexpected end"},
		{onePage(row + "{}"), 2, "JSON: unexpected '{'"},
		{onePage("{\"row\":\"customers\xff\"}"), 2, "invalid UTF-8"},
		{onePage(row, strings.Replace(row, "customers", "tasks", 1)), 3, `unknown table "tasks"`},
		{onePage(strings.Replace(row, `"customers"`, "7", 1)), 2, `"row" must be a string`},
		{onePage(strings.Replace(row, `"ahead":null,`, "", 1)), 2, `the member "ahead" is missing`},
		{onePage(strings.Replace(row, `"ahead":null`, `"ahead":"x"`, 1)), 2, `"ahead" must be a number or null`},
		{onePage(strings.Replace(row, `"stamp":1`, `"stamp":1.5`, 1)), 2, `"stamp" must be a whole number`},
		{onePage(strings.Replace(row, `"stamp":1`, `"stamp":1,"stamp":1`, 1)), 2, `the name "stamp" comes twice`},
		{onePage(strings.Replace(row, `"stamp":1`, `"stamp":1,"outcome":1`, 1)), 2, `unknown member "outcome"`},
		{onePage(strings.Replace(row, `"notes"`, `"nick"`, 1)), 2, `table "customers": id "a": column "nick": the server has no such column`},
		{onePage(strings.Replace(row, `"notes":"",`, ``, 1)), 2, `column "notes": the column is missing`},
		{onePage(strings.Replace(row, `"A"`, `7`, 1)), 2, `column "contact_name": must be a string`},
		{onePage(strings.Replace(row, `"A"`, `"`+long+`"`, 1)), 2, `the row is larger than`},
		{onePage(strings.Replace(row, `"id":"a"`, `"id":"a b"`, 1)), 2, `id must be 1 to 128`},
		{onePage(`{"tombstone":"customers","id":"","stamp":1}`), 2, `id must be 1 to 128`},
		{onePage(`{"tombstone":"orders","id":"a","stamp":1}`), 2, `unknown table "orders"`},
		{onePage(`{"tombstone":"customers","id":"a","stamp":1,"value":{}}`), 2, `unknown member "value"`},

		{onePage(`{"document":"","updated_at":5,"parts":0,"state":""}`), 2, `"document" must be a string of 1 to 512 bytes`},
		{onePage(`{"document":"r","updated_at":5,"parts":0,"state":"%"}`), 2, `"state" is not Base64`},
		{onePage(`{"document":"r","updated_at":5,"part":0,"state":""}`), 2, `"part" must be a whole number from 1`},
		{onePage(`{"document":"r","updated_at":5,"part":2147483648,"state":""}`), 2, `"part" must be below`},
		{onePage(`{"document":"r","updated_at":5,"part":1,"parts":1,"state":""}`), 2, `unknown member "parts"`},
		{onePage(`{"document":"r","updated_at":5,"parts":0,"state":"` + strings.Repeat("A", 2_000_004) + `"}`), 2, `"state" must be a string of 0 to 2000000 bytes`},
		{onePage(row, main), 3, "parts of the document are missing"},
		{onePage(`{"document":"r","updated_at":4,"part":1,"state":""}`, main), 3, "parts of the document are missing"},
		{onePage(fmt.Sprintf(version, "AAA")), 2, "parts of the version are missing"},
		{onePage(fmt.Sprintf(version, "AAAAAA==")), 2, "they do not have that many bytes"},

		{onePage(`{"project":"p/q","seq":5,"floor":0}`), 2, `"project" must be an id`},
		{onePage(`{"project":"p","seq":5,"floor":6}`), 2, `"floor" must not be greater`},
		{onePage(proj, strings.Replace(member, "memberships", "members", 1)), 3, `unknown collection "members"`},
		{onePage(fmt.Sprintf(member, "m", "u")), 2, "the project is unknown before this line"},
		{onePage(proj, fmt.Sprintf(member, "m1", "u"), fmt.Sprintf(member, "m2", "v"), fmt.Sprintf(member, "m3", "u")), 5, "a live membership of the same user"},
		{onePage(proj, fmt.Sprintf(link, "d1"), fmt.Sprintf(link, "d2")), 4, "a live dependency of the same two tasks"},
		{onePage(proj, fmt.Sprintf(member, "m", "")), 3, "user_id: must not be empty"},
		{onePage(proj, strings.Replace(fmt.Sprintf(member, "m", "u"), "Owner", "King", 1)), 3, "role: must be one of"},
		{onePage(proj, strings.Replace(fmt.Sprintf(member, "m", "u"), `,"role":"Owner"`, "", 1)), 3, "role: is required"},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `,"lag_days":0`, "", 1)), 3, "lag_days: is required"},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"lag_days"`, `"lag"`, 1)), 3, "lag: is not a field of a dependency"},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"id":"d",`, "", 1)), 3, "id: is required"},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"changed":{}`, `"changed":{"x":1}`, 1)), 3, `unknown field "x" in "changed"`},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"changed":{}`, `"changed":{"type":2}`, 1)), 3, `the version of "type"`},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"changed":{}`, `"changed":[]`, 1)), 3, `"changed" must be an object`},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"created_seq":1`, `"created_seq":2`, 1)), 3, `"created_seq" must not be greater`},
		{onePage(proj, strings.Replace(fmt.Sprintf(link, "d"), `"deleted_version":null`, `"deleted_version":0`, 1)), 3, `"deleted_version" must be a whole number from 1`},
		{onePage(proj, `{"collection":"projects","project":"p",`+meta+`,"value":{"id":"q","name":"P","description":null,"start_date":null,"status":"active","calendar_id":null,"archived":false}}`), 3, "the id of a project"},
	} {
		p := newPlace(t)
		before := p.all()
		_, err := p.import1(c.page)
		var refused *LineError
		if !errors.As(err, &refused) || refused.Line != c.line || !strings.Contains(refused.Reason, c.want) {
			t.Errorf("%.300s\ngot  %v\nwant line %d: …%s", c.page, err, c.line, c.want)
		}
		if after := p.all(); after != before {
			t.Errorf("%.300s\nwrote %s, before %s", c.page, after, before)
		}
	}
}

// all is what an import may write.
func (p *place) all() string {
	p.t.Helper()
	b := p.dump()
	for _, sql := range []string{"SELECT * FROM Clock", "SELECT * FROM Import", "SELECT * FROM YjsRoomParts", "SELECT * FROM YjsVersionParts", "SELECT * FROM ProjectSequences"} {
		for _, row := range p.exec(abi.Statement{SQL: sql})[0].Rows {
			b += fmt.Sprintln(row)
		}
	}
	return b
}

func TestTheLaterLineOfARowCounts(t *testing.T) { // S11
	p := newPlace(t)
	row := `{"row":"customers","stamp":%d,"ahead":null,"value":{"id":"a","contact_name":"%d","company_name":null,"notes":"","created_at":1,"updated_at":2}}`
	done, err := p.import1(onePage(fmt.Sprintf(row, 1, 1), fmt.Sprintf(row, 5, 5), `{"tombstone":"customers","id":"b","stamp":6}`,
		`{"document":"r","updated_at":1,"parts":0,"state":"AAAA"}`, `{"document":"r","updated_at":2,"part":1,"state":"BBBB"}`, `{"document":"r","updated_at":2,"parts":1,"state":"CCCC"}`))
	if err != nil || done.Lines != 6 {
		t.Fatal(done, err)
	}
	if got := p.dump(); !strings.Contains(got, "customers|a|0|5|") || !strings.Contains(got, "customers|b|1|6|") || !strings.Contains(got, "r|CCCC|2|") {
		t.Error(got)
	}
}

func TestAPageSentAgainChangesNothing(t *testing.T) { // S11
	r := rand.New(rand.NewPCG(3, 11))
	from, to := newPlace(t).withPages(4000), newPlace(t)
	from.live(r, 80)
	pages := from.export(nil)
	if len(pages) < 4 {
		t.Fatalf("%d pages", len(pages))
	}
	for i, page := range pages {
		first, err := to.import1(page)
		if err != nil {
			t.Fatal(err)
		}
		before := to.all()
		for _, again := range pages[:i+1] {
			done, err := to.import1(again)
			if err != nil || done.Stamp != 0 {
				t.Fatalf("again: %+v, %v", done, err)
			}
			if bytes.Equal(again, page) && (done.Lines != first.Lines || done.Next != first.Next) {
				t.Errorf("page %d: %+v, then %+v", i+1, first, done)
			}
		}
		if to.all() != before {
			t.Fatalf("page %d changed something when it came again", i+1)
		}
	}
	same(t, "with repeated pages", to, from)
}

func TestAPageOutOfOrderIsRefusedWithTheNumberThatIsExpected(t *testing.T) { // S11
	later := func(number int, id string) []byte {
		return pageOf(fmt.Sprintf(`{"page":%d,"export":%q}`, number, id), `{"next":"c"}`)
	}
	first := func(id string) []byte {
		return pageOf(strings.Replace(header, `"x"`, `"`+id+`"`, 1), `{"next":"c"}`)
	}
	p := newPlace(t)
	expect := func(page []byte, expected int64, want string) {
		t.Helper()
		before := p.all()
		_, err := p.import1(page)
		var order *OrderError
		if !errors.As(err, &order) || order.Expected != expected || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %d, %s", page, err, expected, want)
		}
		if p.all() != before {
			t.Errorf("%s wrote something", page)
		}
	}
	importing := func(want bool) {
		t.Helper()
		if got, err := p.transfer.Importing(context.Background()); got != want || err != nil {
			t.Errorf("importing: %v, %v", got, err)
		}
	}
	expect(later(2, "x"), 1, "page 1 comes first")
	importing(false)
	p.take([][]byte{first("x"), later(2, "x")})
	importing(true)
	expect(later(4, "x"), 3, "this is page 4 of the export, and page 3 comes next")
	expect(later(3, "y"), 3, "another export")
	var notEmpty *NotEmptyError
	if _, err := p.import1(first("y")); !errors.As(err, &notEmpty) || !strings.Contains(err.Error(), "an import of another export, which is not finished") {
		t.Errorf("the first page of another export: %v", err)
	}
	p.take([][]byte{pageOf(`{"page":3,"export":"x"}`, `{"next":null}`)})
	importing(false)
	expect(later(4, "x"), 0, "the import is finished, with 3 pages")
	if _, err := p.import1(first("y")); !errors.As(err, &notEmpty) || !strings.Contains(err.Error(), "an import that is finished") {
		t.Errorf("after an import: %v", err)
	}
}

func TestAnImportNeedsAnEmptyPlace(t *testing.T) { // S11
	for what, fill := range map[string]func(p *place){
		"rows of the table customers": func(p *place) { p.push("customers", []object{customer("a", "A")}) },
		"rows of the table wide":      func(p *place) { p.push("wide", nil, "gone") },
		"documents":                   func(p *place) { p.keep("r", 1, nil, 3) },
		"versions of documents":       func(p *place) { p.keepVersion("r", "v", []byte{0}) },
		"projects":                    func(p *place) { p.create("p", project.Projects, `{"id":"p","name":"P"}`) },
	} {
		p := newPlace(t)
		fill(p)
		before := p.all()
		var notEmpty *NotEmptyError
		if _, err := p.import1(onePage()); !errors.As(err, &notEmpty) || notEmpty.Has != what || !strings.Contains(err.Error(), "delete this one first") {
			t.Errorf("%s: %v", what, err)
		}
		if p.all() != before {
			t.Errorf("%s: something was written", what)
		}
	}
}

// A crashing database breaks the n-th batch with statements of its own.
type crashing struct {
	store.DB
	at int // before which statement of a batch that writes
}

var errCrash = errors.New("no such table: crash")

func (c *crashing) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if len(statements) <= 2 || c.at > len(statements) {
		return c.DB.Batch(ctx, statements)
	}
	broken := slices.Insert(slices.Clone(statements), c.at, abi.Statement{SQL: "SELECT * FROM crash"})
	if _, err := c.DB.Batch(ctx, broken); err == nil || !strings.Contains(err.Error(), "crash") {
		return nil, fmt.Errorf("the database did not break: %v", err)
	}
	return nil, errCrash
}

func TestACrashWithinAPageLeavesNothingOfIt(t *testing.T) { // S11
	r := rand.New(rand.NewPCG(5, 11))
	from := newPlace(t).withPages(20_000)
	from.live(r, 100)
	pages := from.export(nil)
	to := newPlace(t)
	for i, page := range pages {
		before := to.all()
		for at := range 30 {
			broken := New(&crashing{to.db, at}, statements)
			if _, err := broken.Import(context.Background(), to.now, page, store.Budget{}); !errors.Is(err, errCrash) {
				if err != nil {
					t.Fatalf("page %d, statement %d: %v", i+1, at, err)
				}
				break // the page has fewer statements: it was written
			}
			if to.all() != before {
				t.Fatalf("page %d: something is there of it after a crash at statement %d", i+1, at)
			}
		}
		if _, err := to.import1(page); err != nil { // it goes on where it was
			t.Fatal(err)
		}
	}
	same(t, "after crashes", to, from)
}

// While an import runs, no row is written between its pages.
func TestARunningImportRefusesPushes(t *testing.T) { // S11
	p := newPlace(t)
	p.take([][]byte{pageOf(header, `{"next":"c"}`)})
	ctx := context.Background()
	for _, base := range []string{"0", "1", "7", "1700000000000", "9007199254740991"} {
		_, _, err := p.rows.Push(ctx, noon, record.Caller{}, []byte(`{"lastPulledAt":`+base+`,"changes":{"customers":{"deleted":["a"]}}}`))
		if err == nil || !strings.Contains(err.Error(), "pull first") {
			t.Errorf("a push with %s: %v", base, err)
		}
	}
	p.take([][]byte{pageOf(`{"page":2,"export":"x"}`, `{"next":null}`)})
	p.push("customers", nil, "a")
}

func TestTwoRequestsThatBeginAnImportAtOnce(t *testing.T) { // S11
	p := newPlace(t)
	raced := &racing{DB: p.db}
	raced.meanwhile = func() { p.take([][]byte{onePage(`{"tombstone":"customers","id":"b","stamp":6}`)}) }
	done, err := New(raced, statements).Import(context.Background(), p.now, onePage(`{"tombstone":"customers","id":"b","stamp":6}`), store.Budget{})
	if err != nil || done.Lines != 1 {
		t.Errorf("the same export: %+v, %v", done, err)
	}
	p = newPlace(t)
	raced = &racing{DB: p.db}
	raced.meanwhile = func() { p.push("customers", []object{customer("a", "A")}) }
	var notEmpty *NotEmptyError
	if _, err := New(raced, statements).Import(context.Background(), p.now, onePage(), store.Budget{}); !errors.As(err, &notEmpty) {
		t.Errorf("a push meanwhile: %v", err)
	}
}

// A racing database runs something after the first batch.
type racing struct {
	store.DB
	meanwhile func()
}

func (r *racing) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := r.DB.Batch(ctx, statements)
	if run := r.meanwhile; run != nil {
		r.meanwhile = nil
		run()
	}
	return results, err
}

func FuzzPage(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	from := newPlace(f)
	from.live(r, 60)
	from.keep("large", 1, random(r, 600_000), 600_000)
	for _, page := range from.export(nil) {
		f.Add(page[:min(len(page), 4000)])
	}
	for _, line := range lines(from.export(nil)) {
		f.Add(onePage(line[:min(len(line), 4000)]))
	}
	f.Add(pageOf(`{"page":2,"export":"x"}`, `{"next":"c"}`))
	s := New(nil, statements)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := readPage(text)
		if err != nil {
			return
		}
		_, list, err := s.decode(p, len(p.lines))
		if err != nil {
			var refused *LineError
			if !errors.As(err, &refused) || refused.Line < 2 || refused.Line > len(p.lines)+1 {
				t.Fatal(err)
			}
			return
		}
		for _, statement := range list {
			for _, arg := range statement.Args {
				if text, ok := arg.(abi.Text); ok && len(text) > abi.MaxValueBytes {
					t.Fatalf("a parameter of %d bytes", len(text))
				}
			}
		}
	})
}
