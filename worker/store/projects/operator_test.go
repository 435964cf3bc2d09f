//go:build !js

package projects

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// Every project is in one page of each size, with counts of its own rows alone.
func TestAllProjectsAreListedInPages(t *testing.T) {
	p := openProject(t)
	type row struct {
		ID             string
		Deleted        bool
		Tasks, Members int
	}
	want := []row{{"p", false, 0, 1}}
	for n := range 5 {
		key := Key{Project: fmt.Sprint("q", n), Caller: "o"}
		if _, err := p.CreateProject(background, "o", rowOf(t, project.Projects, fmt.Sprintf(`{"id":%q,"name":"Q"}`, key.Project)), fmt.Sprint("m", n)); err != nil {
			t.Fatal(err)
		}
		for task := range n {
			if _, err := p.Create(background, key, project.Tasks, rowOf(t, project.Tasks, fmt.Sprintf(`{"id":"t%d.%d","name":"T"}`, n, task))); err != nil {
				t.Fatal(err)
			}
		}
		r := row{key.Project, false, n, 1}
		if n == 3 {
			if _, err := p.Delete(background, key, project.Projects, key.Project); err != nil {
				t.Fatal(err)
			}
			r = row{key.Project, true, 0, 0}
		}
		want = append(want, r)
	}
	for size := 1; size <= 7; size++ {
		var got []row
		for after, pages := "", 0; pages < 10; pages++ {
			answer, err := p.All(background, after, size, true, store.Budget{})
			if err != nil {
				t.Fatal(err)
			}
			var page struct {
				Results    []row
				NextCursor *string `json:"next_cursor"`
			}
			if err := json.Unmarshal(answer, &page); err != nil {
				t.Fatal(err)
			}
			got = append(got, page.Results...)
			if page.NextCursor == nil {
				break
			}
			after = *page.NextCursor
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pages of %d: %s", size, d)
		}
	}
	live, err := p.All(background, "q2", 10, false, store.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Results []row }
	if err := json.Unmarshal(live, &page); err != nil || len(page.Results) != 1 || page.Results[0].ID != "q4" {
		t.Errorf("live projects after q2: %s, %v", live, err)
	}
}

func TestAnOperatorPullsNoProjectThatNeverWas(t *testing.T) {
	p := openProject(t)
	in := delta.Pull{Project: "p", PageRows: 10}
	for _, db := range []store.DB{p.db, quickless{p.db}} {
		got, err := New(db, p.Statements).PullAny(background, in, store.Budget{})
		want, wantErr := p.Pull(background, "o", in, store.Budget{})
		if err != nil || wantErr != nil || string(got) != string(want) {
			t.Errorf("got %s, %v, want %s, %v", got, err, want, wantErr)
		}
	}
	if _, err := p.Pull(background, "", in, store.Budget{}); refusalCode(err) != project.NotFound {
		t.Errorf("a caller without a name: %v", err)
	}
	in.Project = "none"
	if _, err := p.PullAny(background, in, store.Budget{}); refusalCode(err) != project.NotFound {
		t.Errorf("no such project: %v", err)
	}
}

func refusalCode(err error) project.Code {
	var refusal *project.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}
