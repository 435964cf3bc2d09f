//go:build !js

package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/api/dialect"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/projects"
	"tidemark/worker/store/records"
)

// noon is when the tests begin.
var noon = time.UnixMilli(1_700_000_000_000)

// testSchema has a boolean and more columns than one function of SQLite takes pairs, beside
// the tables of this app.
func testSchema() record.Schema {
	schema := record.Default()
	wide := record.Table{Name: "wide", SQL: "Wide", ID: "WideId"}
	for i := range 40 {
		wide.Columns = append(wide.Columns, record.Column{
			Name: fmt.Sprintf("c%d", i), SQL: fmt.Sprintf("C%d", i), Type: record.Type(i % 3), Nullable: true,
		})
	}
	schema.Tables = append(schema.Tables, wide)
	return schema
}

func createWide(t *record.Table) abi.Statement {
	sql := "CREATE TABLE " + t.SQL + " (" + t.ID + " TEXT PRIMARY KEY NOT NULL"
	for _, c := range t.Columns {
		sql += ", " + c.SQL + [...]string{" TEXT", " REAL", " INTEGER"}[c.Type]
	}
	return abi.Statement{SQL: sql + `, created_at INTEGER NOT NULL DEFAULT 0, updated_at INTEGER NOT NULL DEFAULT 0,
deleted INTEGER NOT NULL DEFAULT 0, stamp INTEGER NOT NULL DEFAULT 0, ahead INTEGER, outcome INTEGER)`}
}

// A place is a database with everything that is kept in it.
type place struct {
	t         testing.TB
	db        store.DB
	rows      *dialect.Watermelon
	documents *documents.Copies
	projects  *projects.Store
	transfer  *Store
	now       time.Time
}

var (
	schema     = testSchema()
	statements = NewStatements(schema)
	ofRecords  = records.NewStatements(schema, watermelon.DefaultLimits().PullBytes)
	ofProjects = projects.NewStatements()
)

func newPlace(t testing.TB) *place {
	db := wasmtest.OpenD1(t, store.Migrations())
	p := &place{
		t: t, db: db, documents: documents.NewCopies(db), projects: projects.New(db, ofProjects), transfer: New(db, statements), now: noon,
		rows: &dialect.Watermelon{Records: records.New(db, ofRecords), Schema: schema, Limits: watermelon.DefaultLimits()},
	}
	p.exec(createWide(&schema.Tables[2]))
	return p
}

func (p *place) exec(s ...abi.Statement) []abi.Result {
	p.t.Helper()
	results, err := p.db.Batch(context.Background(), s)
	if err != nil {
		p.t.Fatal(err)
	}
	return results
}

type object = map[string]any

// push writes rows of a table and deletes others.
func (p *place) push(table string, rows []object, deleted ...string) {
	p.t.Helper()
	p.now = p.now.Add(time.Millisecond)
	stamp, err := p.rows.Stamp(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	input, err := json.Marshal(object{"lastPulledAt": stamp, "changes": object{table: object{"created": append([]object{}, rows...), "deleted": append([]string{}, deleted...)}}})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, _, err := p.rows.Push(context.Background(), p.now, record.Caller{}, input); err != nil {
		p.t.Fatalf("%.300s: %v", input, err)
	}
}

func customer(id, name string) object {
	return object{"id": id, "contact_name": name, "company_name": nil, "notes": "", "created_at": 1, "updated_at": noon.UnixMilli()}
}

// keep stores a document whose parts have these lengths.
func (p *place) keep(room string, version int64, state []byte, part int) {
	p.t.Helper()
	ctx := context.Background()
	first := state[:min(len(state), part)]
	for n := 1; n*part < len(state); n++ {
		if err := p.documents.PutPart(ctx, room, version, n, state[n*part:min(len(state), (n+1)*part)]); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := p.documents.Commit(ctx, room, version, first); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) keepVersion(room, id string, state []byte) {
	p.t.Helper()
	v := documents.Version{ID: id, Name: `"named" ` + id, Subject: "süß", CreatedAt: 5, Bytes: len(state)}
	if err := p.documents.PutVersion(context.Background(), room, v, state); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) row(name project.Name, body string) project.Row {
	p.t.Helper()
	row, err := project.Find(name).DecodeCreate([]byte(body))
	if err != nil {
		p.t.Fatalf("%s: %v", body, err)
	}
	return row
}

// create makes a row of a project, and says whether the project takes it.
func (p *place) create(id string, name project.Name, body string) bool {
	p.t.Helper()
	key := projects.Key{Project: id, Caller: "owner"}
	var err error
	if name == project.Projects {
		_, err = p.projects.CreateProject(context.Background(), key.Caller, p.row(name, body), id+"-owner")
	} else {
		_, err = p.projects.Create(context.Background(), key, name, p.row(name, body))
	}
	return err == nil
}

// export reads all pages. between runs after each page but the last.
func (p *place) export(between func(page []byte)) [][]byte {
	p.t.Helper()
	var pages [][]byte
	for cursor := ""; ; {
		page, next, err := p.transfer.Export(context.Background(), "acme", cursor, store.Budget{})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(page) > MaxPageBytes {
			p.t.Fatalf("a page has %d bytes", len(page))
		}
		if pages = append(pages, page); next == "" {
			return pages
		}
		if cursor = next; between != nil {
			between(page)
		}
	}
}

// take imports pages.
func (p *place) take(pages [][]byte) (last Imported) {
	p.t.Helper()
	for i, page := range pages {
		var err error
		if last, err = p.transfer.Import(context.Background(), p.now, page, store.Budget{}); err != nil {
			p.t.Fatalf("page %d: %v\n%.2000s", i+1, err, page)
		}
	}
	return last
}

// dump is what the database has, but for the numbers that an import moves on and the
// contents of tombstones, which no client sees.
func (p *place) dump() string {
	p.t.Helper()
	var b strings.Builder
	add := func(sql string) {
		for _, row := range p.exec(abi.Statement{SQL: sql})[0].Rows {
			for _, cell := range row {
				if text, ok := cell.(abi.Text); ok {
					cell = string(text)
				}
				fmt.Fprintf(&b, "%v|", cell)
			}
			b.WriteByte('\n')
		}
	}
	for _, t := range schema.Tables {
		columns := ""
		for _, c := range t.Columns {
			columns += fmt.Sprintf(", iif(deleted, NULL, %s || typeof(%[1]s)) AS %[1]s", c.SQL)
		}
		add(fmt.Sprintf("SELECT '%s' AS tab, %s, deleted, stamp, iif(deleted, NULL, ahead) AS ahead, iif(deleted, 0, created_at) AS c, iif(deleted, 0, updated_at) AS u%s FROM %s ORDER BY %[2]s", t.Name, t.ID, columns, t.SQL))
	}
	add("SELECT RoomId, ifnull(YjsState, '') AS s, updated_at FROM YjsRooms ORDER BY RoomId")
	add("SELECT p.* FROM YjsRoomParts p JOIN YjsRooms r ON r.RoomId = p.RoomId AND r.updated_at = p.version ORDER BY p.RoomId, p.part")
	add("SELECT * FROM YjsVersions ORDER BY RoomId, VersionId")
	add("SELECT p.* FROM YjsVersionParts p JOIN YjsVersions r ON r.RoomId = p.RoomId AND r.VersionId = p.VersionId ORDER BY p.RoomId, p.VersionId, p.part")
	add("SELECT project_id FROM ProjectSequences ORDER BY project_id")
	for _, c := range project.Collections {
		add("SELECT * FROM " + c.Table + " ORDER BY id")
	}
	return b.String()
}

// seen is what clients see of the place: first pulls, checksums, documents, versions, and
// projects, without the marks.
func (p *place) seen() string {
	p.t.Helper()
	ctx := context.Background()
	b := &strings.Builder{}
	answer, _, err := p.rows.Pull(ctx, record.Caller{}, nil, store.Budget{})
	if err != nil {
		p.t.Fatal(err)
	}
	b.WriteString(sorted(p.t, answer.Bytes(), "timestamp"))
	sums, err := p.rows.Checksum(ctx, record.Caller{}, store.Budget{})
	if err != nil {
		p.t.Fatal(err)
	}
	b.WriteString(sorted(p.t, sums, "timestamp"))
	rooms, err := p.documents.List(ctx, "", "", 1000)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range rooms {
		state, version, err := p.documents.Load(ctx, r.Room)
		if err != nil {
			p.t.Fatal(err)
		}
		fmt.Fprintf(b, "%s %d %x\n", r.Room, version, state)
		versions, err := p.documents.Versions(ctx, r.Room, "", 1000)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, v := range versions {
			state, err := p.documents.Version(ctx, r.Room, v.ID, store.Budget{})
			if err != nil {
				p.t.Fatal(err)
			}
			fmt.Fprintf(b, "%+v %x\n", v, state)
		}
	}
	for _, row := range p.exec(abi.Statement{SQL: "SELECT project_id, user_id FROM ProjectMemberships ORDER BY project_id, user_id, id"})[0].Rows {
		id, user := store.CellString(row[0]), store.CellString(row[1])
		for _, final := range []bool{false, true} {
			page, err := p.projects.Pull(ctx, user, delta.Pull{Project: id, PageRows: 5000, Final: final}, store.Budget{})
			if err != nil {
				fmt.Fprintf(b, "%s %s %v\n", id, user, err)
				continue
			}
			b.WriteString(sorted(p.t, page, "timestamp"))
		}
	}
	return b.String()
}

// sorted is JSON with its objects and arrays in order, and without a member.
func sorted(t testing.TB, text []byte, without string) string {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%.300s: %v", text, err)
	}
	delete(v.(object), without)
	var order func(v any) any
	order = func(v any) any {
		switch v := v.(type) {
		case object:
			for _, name := range slices.Collect(maps.Keys(v)) {
				v[name] = order(v[name])
			}
		case []any:
			for i := range v {
				v[i] = order(v[i])
			}
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return v
	}
	out, err := json.Marshal(order(v))
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

// same compares two places, by what they store and by what clients see.
func same(t testing.TB, what string, got, want *place) {
	t.Helper()
	for _, texts := range [][2]string{{got.dump(), want.dump()}, {got.seen(), want.seen()}} {
		if texts[0] == texts[1] {
			continue
		}
		a, b := strings.Split(texts[0], "\n"), strings.Split(texts[1], "\n")
		for i := range a {
			if i == len(b) || a[i] != b[i] {
				t.Fatalf("%s: line %d of %d and %d:\ngot  %.500s\nwant %.500s", what, i, len(a), len(b), a[i], slices.Concat(b, []string{"nothing"})[min(i, len(b))])
			}
		}
		t.Fatalf("%s: %d lines, want %d", what, len(a), len(b))
	}
}

// text is a random text with what JSON and SQL escape.
func text(r *rand.Rand, most int) string {
	const runes = "a\"\\\n\x01'é漢😀{}[],: \u2028"
	all := []rune(runes)
	n := r.IntN(most)
	b := make([]rune, n)
	for i := range b {
		b[i] = all[r.IntN(len(all))]
	}
	return string(b)
}

// live makes random changes of everything that a place has.
func (p *place) live(r *rand.Rand, changes int) {
	p.t.Helper()
	for range changes {
		switch r.IntN(12) {
		case 0, 1, 2:
			c := customer(fmt.Sprint("c", r.IntN(30)), text(r, 20))
			c["updated_at"] = p.now.UnixMilli() + []int64{0, 1, 60_000}[r.IntN(3)] // the last one is ahead
			if r.IntN(10) == 0 {
				c["notes"] = strings.Repeat("n\n", 200_000)
			}
			p.push("customers", []object{c})
		case 3:
			row := object{"id": fmt.Sprint("w", r.IntN(10)), "created_at": 1.5, "updated_at": p.now.UnixMilli()}
			for i, c := range schema.Tables[2].Columns {
				row[c.Name] = []any{text(r, 9), []float64{0, -1, 1e300, 0.1, 5e-324}[r.IntN(5)], r.IntN(2) == 0}[i%3]
				if r.IntN(5) == 0 {
					row[c.Name] = nil
				}
			}
			p.push("wide", []object{row})
		case 4:
			p.push([]string{"customers", "wide", "products"}[r.IntN(3)], nil, fmt.Sprint([]string{"c", "w"}[r.IntN(2)], r.IntN(30)))
		case 5:
			p.now = p.now.Add(time.Second)
			part := 3 * (1 + r.IntN(400))
			p.keep(fmt.Sprint("room ", r.IntN(8), "/\"x\""), p.now.UnixMilli(), random(r, []int{0, 1, 2, 3, 1000, 5000}[r.IntN(6)]), part)
		case 6:
			room := fmt.Sprint("room ", r.IntN(8), "/\"x\"")
			if r.IntN(3) == 0 {
				if err := p.documents.Delete(context.Background(), room); err != nil {
					p.t.Fatal(err)
				}
				break
			}
			p.now = p.now.Add(time.Second)
			p.keepVersion(room, fmt.Sprintf("%011xv", p.now.UnixMilli()), random(r, 1+r.IntN(3000)))
		default:
			p.work(r)
		}
	}
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// work changes a project. What the project refuses is no change.
func (p *place) work(r *rand.Rand) {
	id := fmt.Sprint("p", r.IntN(3))
	task := func() string { return fmt.Sprint(id, "-t", r.IntN(12)) }
	fresh := fmt.Sprint(id, "-", r.IntN(1000))
	key := projects.Key{Project: id, Caller: "owner"}
	switch r.IntN(8) {
	case 0:
		p.create(id, project.Projects, fmt.Sprintf(`{"id":%q,"name":"P","description":"d\u0001"}`, id))
		p.create(id, project.Calendars, fmt.Sprintf(`{"id":%q,"name":"C","working_days":[1,2],"exceptions":["2026-02-28"],"hours_per_day":7.5}`, fresh))
	case 1, 2:
		p.create(id, project.Tasks, fmt.Sprintf(`{"id":%q,"name":"T","sort_order":0.1,"duration_days":2,"is_milestone":true}`, task()))
	case 3:
		p.create(id, project.Tasks, fmt.Sprintf(`{"id":%q,"name":"T","parent_id":%q,"assignee_id":"owner"}`, task(), task()))
	case 4:
		p.create(id, project.Dependencies, fmt.Sprintf(`{"id":%q,"predecessor_id":%q,"successor_id":%q}`, fresh, task(), task()))
	case 5:
		p.create(id, project.Memberships, fmt.Sprintf(`{"id":%q,"user_id":"user%d","role":"Member"}`, fmt.Sprint(id, "-m", r.IntN(4)), r.IntN(3)))
	case 6:
		row, err := project.Find(project.Tasks).DecodePatch(fmt.Appendf(nil, `{"name":"N%d","notes":"x"}`, r.IntN(9)))
		if err != nil {
			p.t.Fatal(err)
		}
		row.ID = task()
		p.projects.Patch(context.Background(), key, project.Tasks, row)
	default:
		name, gone := project.Tasks, task()
		switch r.IntN(12) {
		case 0:
			name, gone = project.Projects, id
		case 1, 2, 3:
			name, gone = project.Memberships, fmt.Sprint(id, "-m", r.IntN(4))
		}
		p.projects.Delete(context.Background(), key, name, gone)
	}
}

// lines returns the lines of pages, without those that begin and end a page.
func lines(pages [][]byte) (list []string) {
	for _, page := range pages {
		all := strings.Split(string(bytes.TrimSuffix(page, []byte{'\n'})), "\n")
		list = append(list, all[1:len(all)-1]...)
	}
	return list
}

// withPages returns the place with pages of an export of about that many octets.
func (p *place) withPages(octets int) *place {
	s := *statements
	s.pageBytes = octets
	p.transfer = New(p.db, &s)
	return p
}
