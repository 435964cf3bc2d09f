//go:build !js

package projects

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

var owner = Key{Project: "p", Caller: "o"}

// openProject is a database with one project p of the Owner o.
func openProject(t *testing.T) *Store {
	t.Helper()
	p := New(wasmtest.OpenD1(t, store.Migrations()), NewStatements())
	if _, err := p.CreateProject(background, "o", rowOf(t, project.Projects, `{"id":"p","name":"P"}`), "m"); err != nil {
		t.Fatal(err)
	}
	return p
}

func rowOf(t *testing.T, name project.Name, body string) project.Row {
	t.Helper()
	row, err := project.Find(name).DecodeCreate([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return row
}

func TestAnUploadsAnswerIsKeptForADay(t *testing.T) {
	p := openProject(t)
	noon := time.UnixMilli(1_700_000_000_000)
	upload := func(now time.Time, batch, id string) string {
		t.Helper()
		done, err := p.Upload(background, now, owner, &delta.Upload{BatchID: batch, Created: []project.Row{rowOf(t, project.Tasks, fmt.Sprintf(`{"id":%q,"name":"T"}`, id))}})
		if err != nil {
			t.Fatal(err)
		}
		return string(done.Answer)
	}
	first := upload(noon, "one", "a")
	upload(noon.Add(24*time.Hour), "two", "b") // forgets what is too old
	if again := upload(noon.Add(24*time.Hour), "one", "a"); again != first {
		t.Errorf("after a day: %s, first %s", again, first)
	}
	upload(noon.Add(72*time.Hour), "three", "c")
	if again := upload(noon.Add(72*time.Hour), "one", "a"); again == first {
		t.Error("the answer is kept for ever")
	}
}

func TestWhoPulledBeforeARestoreBeginsAgain(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	p := New(db, NewStatements())
	if _, err := p.CreateProject(background, "o", rowOf(t, project.Projects, `{"id":"p","name":"P"}`), "m"); err != nil {
		t.Fatal(err)
	}
	write := func(id string) {
		t.Helper()
		if _, err := p.Create(background, owner, project.Tasks, rowOf(t, project.Tasks, fmt.Sprintf(`{"id":%q,"name":"T"}`, id))); err != nil {
			t.Fatal(err)
		}
	}
	pull := func(in delta.Pull) (answer string, code project.Code) {
		t.Helper()
		in.Project, in.PageRows = "p", 100
		page, err := p.Pull(background, "o", in, store.Budget{})
		var refusal *project.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if refusal != nil {
			code = refusal.Code
		}
		return string(page), code
	}
	write("a")
	_, mark, err := p.Role(background, owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Restore(background, time.UnixMilli(1_700_000_000_000)); err != nil {
		t.Fatal(err)
	}
	for range 3 { // however many numbers were drawn since
		for _, since := range []project.Seq{1, mark, mark + 1, mark + 2} {
			if answer, code := pull(delta.Pull{Since: since}); code != project.SinceAhead {
				t.Errorf("since %d: %q, %s", since, code, answer)
			}
		}
		if _, code := pull(delta.Pull{Since: mark, After: &delta.Cursor{Project: "p", Since: mark, Mark: mark, ID: "a"}}); code == "" {
			t.Error("a cursor of before was taken")
		}
		write(fmt.Sprint("new", mark))
		mark++
	}
	if answer, code := pull(delta.Pull{}); code != "" || strings.Count(answer, `"name":"T"`) != 4 {
		t.Errorf("from the beginning: %q, %s", code, answer)
	}
	_, now, err := p.Role(background, owner)
	if err != nil {
		t.Fatal(err)
	}
	write("z")
	if answer, code := pull(delta.Pull{Since: now}); code != "" || strings.Count(answer, `"name":"T"`) != 1 {
		t.Errorf("since the mark of after: %q, %s", code, answer)
	}
}

func TestTasksAreNestedOnlySoDeeply(t *testing.T) {
	p := openProject(t)
	for depth := 0; depth <= project.MaxNesting+1; depth++ {
		body := fmt.Sprintf(`{"id":"t%d","name":"T"}`, depth)
		if depth > 0 {
			body = fmt.Sprintf(`{"id":"t%d","name":"T","parent_id":"t%d"}`, depth, depth-1)
		}
		_, err := p.Create(background, owner, project.Tasks, rowOf(t, project.Tasks, body))
		var refusal *project.Refusal
		if depth < project.MaxNesting && err != nil {
			t.Fatalf("%d ancestors: %v", depth, err)
		}
		if depth > project.MaxNesting && (!errors.As(err, &refusal) || refusal.Code != project.ParentCycle && refusal.Code != project.BadReference) {
			t.Errorf("%d ancestors: %v", depth, err)
		}
	}
	// The whole tree goes at once.
	if _, err := p.Delete(background, owner, project.Tasks, "t0"); err != nil {
		t.Fatal(err)
	}
	list, err := p.List(background, owner, project.Tasks, "", 1000, store.Budget{})
	if err != nil || string(list) != `{"results":[],"next_cursor":null}` {
		t.Errorf("%.200s, %v", list, err)
	}
}

// TestAPageIsCutByItsBytes pulls rows as long as rows can be.
func TestAPageIsCutByItsBytes(t *testing.T) {
	p := openProject(t)
	long := strings.Repeat(`\u0001`, project.MaxTextChars)
	const n = 100 // of 120 KB each
	for i := range n {
		row := rowOf(t, project.Tasks, fmt.Sprintf(`{"id":"t%03d","name":"T","notes":"%s","description":"%[2]s"}`, i, long))
		if _, err := p.Create(background, owner, project.Tasks, row); err != nil {
			t.Fatal(err)
		}
	}
	r := newReader("o")
	in := delta.Pull{Project: "p", PageRows: 5000}
	pages := 0
	for done := false; !done; pages++ {
		answer, err := p.Pull(background, "o", in, store.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer) > 9_000_000 {
			t.Errorf("a page of %d bytes", len(answer))
		}
		if done, err = r.apply(answer); err != nil {
			t.Fatal(err)
		}
		if !done {
			c, err := delta.ParseCursor(r.cursor)
			if err != nil {
				t.Fatal(err)
			}
			in.After = &c
		}
	}
	if pages != 2 || len(r.rows["tasks"]) != n {
		t.Errorf("%d pages, %d tasks", pages, len(r.rows["tasks"]))
	}
}
