//go:build !js

package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/projects"
)

func TestAnImportOfAnExportIsTheSamePlace(t *testing.T) { // S11
	wasmtest.Seeds(t, 12, 4, func(t *testing.T) func(uint64) error {
		return func(seed uint64) error {
			r := rand.New(rand.NewPCG(seed, 11))
			from, to := newPlace(t).withPages([]int{1, 300, 5000, 40_000, pageBytes}[r.IntN(5)]), newPlace(t)
			from.live(r, 120)
			pages := from.export(nil)
			to.now = from.now
			last := to.take(pages)
			same(t, fmt.Sprintf("seed %d, %d pages", seed, len(pages)), to, from)
			if least := from.now.UnixMilli() + record.ToleranceMillis; int64(last.Stamp) < least || last.Next != "" {
				return fmt.Errorf("seed %d: the stamp is %d, want at least %d", seed, last.Stamp, least)
			}
			again := newPlace(t)
			again.take(to.export(nil))
			same(t, fmt.Sprintf("seed %d, once more", seed), again, from)
			return nil
		}
	})
}

func TestLargeDocumentsAreCutOverLinesAndPages(t *testing.T) { // S11
	r := rand.New(rand.NewPCG(1, 2))
	from, to := newPlace(t), newPlace(t)
	const chunk = 1_098_000
	for i, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 9_000_000} {
		from.keep(fmt.Sprint("room", i), int64(i+1), random(r, size), chunk)
		if size > 0 {
			from.keepVersion(fmt.Sprint("room", i), "v", random(r, size))
		}
	}
	from.exec(abi.Statement{SQL: "INSERT INTO YjsRooms (RoomId, YjsState, updated_at) VALUES ('null', NULL, 7)"})
	pages := from.export(nil)
	if len(pages) < 4 {
		t.Errorf("%d pages", len(pages))
	}
	for _, line := range lines(pages) {
		if len(line) > abi.MaxValueBytes {
			t.Errorf("a line has %d bytes", len(line))
		}
	}
	to.take(pages)
	same(t, "large documents", to, from)
}

// What is being written does not count yet.
func TestPartsThatNoRowCountsAreNotExported(t *testing.T) { // S11
	p := newPlace(t)
	p.keep("room", 5, []byte("abcdef"), 3)
	p.exec(abi.Statement{SQL: `INSERT INTO YjsRoomParts VALUES ('room', 9, 1, 'QUJD'), ('other', 1, 1, 'QUJD')`},
		abi.Statement{SQL: `INSERT INTO YjsVersionParts VALUES ('room', 'v', 1, 'QUJD')`})
	want := `{"document":"room","updated_at":5,"part":1,"state":"ZGVm"}|{"document":"room","updated_at":5,"parts":1,"state":"YWJj"}`
	if got := strings.Join(lines(p.export(nil)), "|"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestTheFormOfAnExport(t *testing.T) { // S11
	p := newPlace(t)
	p.push("customers", []object{customer("a", "A"), customer("b", "B")})
	p.push("customers", nil, "b")
	p.create("p", project.Projects, `{"id":"p","name":"P"}`)
	pages := p.export(nil)
	if len(pages) != 1 {
		t.Fatalf("%d pages", len(pages))
	}
	all := strings.Split(string(pages[0]), "\n")
	stamp := noon.UnixMilli()
	for i, want := range []string{
		fmt.Sprintf(`{"format":1,"space":"acme","stamp":%d,"export":"`, stamp+2),
		fmt.Sprintf(`{"row":"customers","stamp":%d,"ahead":null,"value":{"id":"a","contact_name":"A","company_name":null,"notes":"","created_at":1,"updated_at":%d}}`, stamp+1, stamp),
		fmt.Sprintf(`{"tombstone":"customers","id":"b","stamp":%d}`, stamp+2),
		`{"project":"p","seq":1,"floor":0}`,
		`{"collection":"projects","project":"p","seq":1,"created_seq":1,"server_version":1,"deleted_version":null,"changed":{},"value":{"id":"p","name":"P","description":null,"start_date":null,"status":"active","calendar_id":null,"archived":false}}`,
		`{"collection":"memberships","project":"p","seq":1,"created_seq":1,"server_version":1,"deleted_version":null,"changed":{},"value":{"id":"p-owner","user_id":"owner","role":"Owner"}}`,
		`{"next":null}`,
		``,
	} {
		if i >= len(all) || !strings.HasPrefix(all[i], want) {
			t.Fatalf("line %d: got %s\nwant %s", i+1, all[i], want)
		}
	}
}

// The rows of an export are those of the moment at which their last page was read.
func TestAnExportBesideWritesHasWhatChangedMeanwhile(t *testing.T) { // S11
	wasmtest.Seeds(t, 8, 3, func(t *testing.T) func(uint64) error {
		return func(seed uint64) error {
			r := rand.New(rand.NewPCG(seed, 12))
			from := newPlace(t).withPages(2000)
			from.live(r, 80)
			// The first phase, in which only rows are written, must end with those rows.
			writes := 0
			pages := from.export(func(page []byte) {
				if writes++; writes <= 30 {
					from.push("customers", []object{customer(fmt.Sprint("c", r.IntN(30)), text(r, 20))})
					from.work(r)
					from.now = from.now.Add(time.Second)
					from.keep("room 1/\"x\"", from.now.UnixMilli(), random(r, r.IntN(5000)), 300)
				}
			})
			beside := newPlace(t)
			beside.take(pages)
			beside.seen() // every document loads
			caught := newPlace(t)
			caught.take(from.export(nil))
			same(t, fmt.Sprintf("seed %d: a second export", seed), caught, from)
			return nil
		}
	})
}

func TestARowThatChangesBetweenTwoPagesComesAgainLater(t *testing.T) { // S11
	from, to := newPlace(t).withPages(1), newPlace(t)
	for _, id := range []string{"a", "b", "c"} {
		from.push("customers", []object{customer(id, "before")})
	}
	from.create("p", project.Projects, `{"id":"p","name":"P"}`)
	from.create("p", project.Memberships, `{"id":"m1","user_id":"u","role":"Member"}`)
	from.keep("room", 1, []byte("abcdefghi"), 3)
	changed := map[string]bool{}
	once := func(what string, change func()) {
		if !changed[what] {
			changed[what] = true
			change()
		}
	}
	key := projects.Key{Project: "p", Caller: "owner"}
	pages := from.export(func(page []byte) {
		text := string(page)
		switch {
		case strings.Contains(text, `"id":"b"`):
			once("rows", func() {
				from.push("customers", []object{customer("a", "after")})
				from.push("customers", nil, "b")
			})
		case strings.Contains(text, `"document":"room","updated_at":1,"part":2`):
			once("document", func() { from.keep("room", 2, []byte("ABCDEF"), 3) })
		case strings.Contains(text, `"id":"m1"`):
			once("members", func() { // another live membership of the same user
				if _, err := from.projects.Delete(context.Background(), key, project.Memberships, "m1"); err != nil {
					t.Fatal(err)
				}
				from.create("p", project.Memberships, `{"id":"m2","user_id":"u","role":"Viewer"}`)
			})
		}
	})
	if len(changed) != 3 {
		t.Fatalf("changed %v", changed)
	}
	to.take(pages)
	same(t, "one export", to, from)
}

// A WatermelonDB client that pulled from an earlier place of that name.
func TestAClientThatPulledBeforeGetsAReplacementAfterAnImport(t *testing.T) { // S11
	from := newPlace(t)
	from.push("customers", []object{customer("a", "A")})
	ctx := context.Background()
	for _, before := range []int64{1, noon.UnixMilli(), noon.UnixMilli() + 1, noon.UnixMilli() + record.ToleranceMillis, noon.UnixMilli() + 1e9} {
		to := newPlace(t)
		last := to.take(from.export(nil))
		answer, _, err := to.rows.Pull(ctx, record.Caller{}, fmt.Appendf(nil, `{"lastPulledAt":%d}`, before), store.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		var pulled struct {
			Timestamp            int64
			ExperimentalStrategy string
		}
		if err := json.Unmarshal(answer.Bytes(), &pulled); err != nil {
			t.Fatal(err)
		}
		if pulled.ExperimentalStrategy != "replacement" && before < int64(last.Stamp) || pulled.Timestamp != int64(last.Stamp) {
			t.Errorf("since %d: %s, the stamp is %d", before, answer.Bytes(), last.Stamp)
		}
		if _, _, err := to.rows.Push(ctx, noon, record.Caller{}, fmt.Appendf(nil, `{"lastPulledAt":%d,"changes":{"customers":{"deleted":["a"]}}}`, pulled.Timestamp)); err != nil {
			t.Errorf("a push after the pull: %v", err)
		}
	}
}

func TestStampsAndSequencesGoOnAboveThoseOfTheExport(t *testing.T) { // S11
	from, to := newPlace(t), newPlace(t)
	ahead := noon.UnixMilli() + 1e9 // another clock
	from.push("customers", []object{customer("a", "A")})
	from.create("p", project.Projects, `{"id":"p","name":"P"}`)
	from.exec(abi.Statement{SQL: fmt.Sprintf("UPDATE Customers SET stamp = %d", ahead)}, abi.Statement{SQL: fmt.Sprintf("UPDATE Projects SET seq = %d", ahead)})
	last := to.take(from.export(nil))
	clock := to.exec(abi.Statement{SQL: "SELECT stamp, floor FROM Clock"}, abi.Statement{SQL: "SELECT seq, floor FROM ProjectSequences"})
	for i, r := range clock {
		if number, floor := int64(store.Number(r, 0)), int64(store.Number(r, 1)); number != ahead+1 || floor != number {
			t.Errorf("%d: %d, floor %d, want %d", i, number, floor, ahead+1)
		}
	}
	if int64(last.Stamp) != ahead+1 {
		t.Errorf("the import says %d", last.Stamp)
	}
}

func TestACursorOutlivesARestartAndAnotherOneIsRefused(t *testing.T) { // S11
	p := newPlace(t).withPages(1)
	p.push("customers", []object{customer("a", "A"), customer("b", "B")})
	_, cursor, err := p.transfer.Export(context.Background(), "", "", store.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := New(p.db, NewStatements(schema)).Export(context.Background(), "", cursor, store.Budget{})
	if err != nil || !strings.Contains(string(page), `{"page":2,`) || !strings.Contains(string(page), `"id":"b"`) || strings.Contains(string(page), `"id":"a"`) {
		t.Errorf("%s, %v", page, err)
	}
	good := position{Export: "x", Page: 2, Phase: phaseRows, Number: 1, Table: "customers", ID: "a"}
	for name, bad := range map[string]string{
		"text": "nonsense!", "truncated": cursor[:len(cursor)-3], "an array": "W10", "more": cursor + "e30",
		"page":       position{Export: "x", Page: 1, Phase: phaseRows}.cursor(),
		"no export":  position{Page: 2, Phase: phaseRows}.cursor(),
		"phase":      position{Export: "x", Page: 2, Phase: "tickets"}.cursor(),
		"end":        position{Export: "x", Page: 2, Phase: phaseEnd}.cursor(),
		"table":      position{Export: "x", Page: 2, Phase: phaseRows, Table: "tasks"}.cursor(),
		"collection": position{Export: "x", Page: 2, Phase: phaseProjects, Table: "customers"}.cursor(),
		"no table":   position{Export: "x", Page: 2, Phase: phaseDocuments, Table: "customers"}.cursor(),
		"number":     position{Export: "x", Page: 2, Phase: phaseRows, Number: -2}.cursor(),
		"part":       position{Export: "x", Page: 2, Phase: phaseDocuments, Part: -1}.cursor(),
	} {
		if _, _, err := p.transfer.Export(context.Background(), "", bad, store.Budget{}); !errors.Is(err, ErrCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := p.transfer.Export(context.Background(), "", good.cursor(), store.Budget{}); err != nil {
		t.Errorf("a good cursor: %v", err)
	}
}

func TestAnExportHoldsTheMemoryOfAPage(t *testing.T) { // S11
	p := newPlace(t)
	p.push("customers", []object{customer("a", "A")})
	held := 0
	b := store.Budget{Octets: 1000, Hold: func(_ context.Context, bytes int) error { held = bytes; return nil }}
	if _, _, err := p.transfer.Export(context.Background(), "", "", b); err != nil || held != 3000 {
		t.Errorf("held %d, %v", held, err)
	}
	full := errors.New("full")
	b.Hold = func(context.Context, int) error { return full }
	if _, _, err := p.transfer.Export(context.Background(), "", "", b); !errors.Is(err, store.ErrMemory) || !errors.Is(err, full) {
		t.Errorf("without memory: %v", err)
	}
}

// SQLite 3.54 rejects a statement that names a common table after 100 other tables, as D1 lets an
// expression be 100 deep.
func TestAnExportTakesManyTables(t *testing.T) {
	p, schema := newPlace(t), record.Schema{Version: 1}
	for i := range 40 {
		schema.Tables = append(schema.Tables, record.Table{Name: fmt.Sprint("t", i), SQL: fmt.Sprint("Wide", i), ID: "Id"})
		p.exec(createWide(&schema.Tables[i]))
	}
	p.exec(abi.Statement{SQL: "INSERT INTO Wide39 (Id, stamp) VALUES ('last', 7)"})
	rows := p.exec(abi.Statement{SQL: readRows(&schema), Args: []any{0, 0, "", pageBytes}})[0].Rows
	if want := `{"row":"t39","stamp":7,`; len(rows) != 1 || !strings.HasPrefix(fmt.Sprintf("%s", rows[0][0]), want) {
		t.Errorf("got %.200q, want one text that begins with %s", rows, want)
	}
}
