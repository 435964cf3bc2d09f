//go:build !js

package projects

import (
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/worker/store"
)

// W3: the transaction of a write notes that the project changed, if it did.
func TestAWriteNotesTheProject(t *testing.T) {
	p := openProject(t)
	noted := func() (key string) {
		t.Helper()
		results, err := p.db.Batch(background, []abi.Statement{{SQL: "SELECT key FROM Webhooks WHERE type = 'project.changed'"}, {SQL: "DELETE FROM Webhooks"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range results[0].Rows {
			key += store.CellString(row[0]) + " "
		}
		return key
	}
	check := func(what, want string, err error) {
		t.Helper()
		if got := noted(); got != want {
			t.Errorf("%s: noted %q, want %q; %v", what, got, want, err)
		}
	}
	check("without a receiver", "", nil)
	p.Announce()
	task := rowOf(t, project.Tasks, `{"id":"t","name":"T"}`)
	_, err := p.Create(background, owner, project.Tasks, task)
	check("a task", "p ", err)
	_, err = p.Create(background, owner, project.Tasks, task)
	check("the same task again", "", err)
	_, err = p.Create(background, Key{Project: "p", Caller: "stranger"}, project.Tasks, rowOf(t, project.Tasks, `{"id":"u","name":"U"}`))
	check("a stranger's", "", err)
	now := time.UnixMilli(1_700_000_000_000)
	upload := delta.Upload{BatchID: "b", Created: []project.Row{rowOf(t, project.Tasks, `{"id":"v","name":"V"}`)}}
	_, err = p.Upload(background, now, owner, &upload)
	check("an upload", "p ", err)
	_, err = p.Upload(background, now, owner, &upload)
	check("the same upload again", "", err)
	_, err = p.Delete(background, owner, project.Tasks, "t")
	check("a deletion", "p ", err)
	_, err = p.CreateProject(background, "o", rowOf(t, project.Projects, `{"id":"q","name":"Q"}`), "n")
	check("a project", "q ", err)
	_, err = p.CreateProject(background, "o", rowOf(t, project.Projects, `{"id":"q","name":"Q"}`), "n")
	check("the same project again", "", err)
	check("a restore", "* ", p.Restore(background, now))
}
