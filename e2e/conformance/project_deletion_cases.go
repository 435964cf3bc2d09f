package conformance

import (
	"fmt"
	"slices"
	"testing"
)

var projectDeletionCases = []projectCase{
	{"a_deleted_task_deletes_its_dependencies_and_its_subtasks", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, other, other2 := c.task(t, "A"), c.task(t, "B"), c.task(t, "C")
		child := c.task(t, "child", fmt.Sprintf(`"parent_id":%q`, a))
		grandchild := c.task(t, "grandchild", fmt.Sprintf(`"parent_id":%q`, child))
		in, out, deep := c.link(t, other, a), c.link(t, a, other2), c.link(t, grandchild, other)
		stays := c.link(t, other, other2)
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		c.scheduler.remove(t, c.path+"tasks/"+a+"/")
		v := c.viewer.page(t, c.path, mine.mark, "", 0)
		wantIDs(t, at(v, "changes", "tasks", "deleted"), a, child, grandchild)
		wantIDs(t, at(v, "changes", "dependencies", "deleted"), in, out, deep)
		if rowsOf(v) != 6 {
			t.Errorf("more than the tombstones: %v", v)
		}
		c.viewer.ask(t, "GET", c.path+"dependencies/"+stays+"/", "").json(t, 200)
		for _, gone := range []string{"tasks/" + child, "dependencies/" + in} {
			c.viewer.ask(t, "GET", c.path+gone+"/", "").wantProblem(t, 404, "not_found")
		}
	}},
	{"a_deleted_row_stays_deleted", func(t *testing.T, w *world) {
		c := w.crew(t)
		id := c.task(t, "A")
		c.owner.remove(t, c.path+"tasks/"+id+"/")
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			c.owner.ask(t, method, c.path+"tasks/"+id+"/", `{"name":"B"}`).wantProblem(t, 404, "not_found")
		}
		c.owner.ask(t, "POST", c.path+"tasks/", fmt.Sprintf(`{"id":%q,"name":"B"}`, id)).wantProblem(t, 409, "id_deleted", "id")
	}},
	{"a_deleted_calendar_is_removed_from_its_project", func(t *testing.T, w *world) {
		c := w.crew(t)
		calendar := c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)["id"].(string)
		c.owner.patch(t, c.path, fmt.Sprintf(`{"calendar_id":%q}`, calendar))
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		c.owner.remove(t, c.path+"calendars/"+calendar+"/")
		v := c.viewer.page(t, c.path, mine.mark, "", 0)
		wantIDs(t, at(v, "changes", "calendars", "deleted"), calendar)
		if row := at(v, "changes", "projects", "updated", 0).(members); row["calendar_id"] != nil {
			t.Errorf("the project still has it: %v", row)
		}
	}},
	{"a_deleted_project_deletes_everything_in_it_and_its_members_can_still_pull_the_tombstones", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		link := c.link(t, a, b)
		calendar := c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)["id"].(string)
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		memberships := keys(mineMemberships(mine))
		c.owner.remove(t, c.path)
		for role, p := range c.byRole {
			v := p.page(t, c.path, mine.mark, "", 0)
			wantIDs(t, at(v, "changes", "projects", "deleted"), c.id)
			wantIDs(t, at(v, "changes", "tasks", "deleted"), a, b)
			wantIDs(t, at(v, "changes", "dependencies", "deleted"), link)
			wantIDs(t, at(v, "changes", "calendars", "deleted"), calendar)
			wantIDs(t, at(v, "changes", "memberships", "deleted"), memberships...)
			p.ask(t, "GET", c.path, "").wantProblem(t, 404, "not_found")
			p.ask(t, "POST", c.path+"tasks/", `{"name":"T"}`).wantProblem(t, 404, "not_found")
			if t.Failed() {
				t.Fatalf("as %s: %v", role, v)
			}
		}
		all := newReplica()
		c.viewer.pull(t, c.path, all, 3)
		for _, name := range collections {
			if len(all.rows[name]) != 0 {
				t.Errorf("%s live: %v", name, all.rows[name])
			}
		}
		// Who was removed before, and who never was a member, learns nothing.
		c.removed.ask(t, "GET", c.path+"sync/", "").wantProblem(t, 403, "membership_revoked")
		c.stranger.ask(t, "GET", c.path+"sync/", "").wantProblem(t, 404, "not_found")
		if list := c.owner.ask(t, "GET", "/projects/", "").json(t, 200); len(list["results"].([]any)) != 0 {
			t.Errorf("the owner still sees %v", list)
		}
		c.owner.ask(t, "POST", "/projects/", fmt.Sprintf(`{"id":%q,"name":"again"}`, c.id)).wantProblem(t, 409, "id_deleted")
	}},
	{"a_removed_member_gets_403_and_a_last_pull_with_every_id", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, gone := c.task(t, "A"), c.task(t, "gone")
		c.owner.remove(t, c.path+"tasks/"+gone+"/")
		leaver := w.person(newID("leaver"))
		membership := c.join(t, leaver, "Scheduler")
		mine := newReplica()
		leaver.pull(t, c.path, mine, 0)
		c.remove(t, leaver, membership)
		later := c.task(t, "after the removal")

		for _, path := range []string{"sync/?since=0", "", "tasks/", "tasks/" + a + "/", "subscribe"} {
			leaver.ask(t, "GET", c.path+path, "").wantProblem(t, 403, "membership_revoked")
		}
		leaver.ask(t, "POST", c.path+"tasks/", `{"name":"T"}`).wantProblem(t, 403, "membership_revoked")
		leaver.upload(t, c.path, uuid(), "", "", "").wantProblem(t, 403, "membership_revoked")

		v := leaver.ask(t, "GET", fmt.Sprintf("%ssync/?since=%d&final=1", c.path, mine.mark), "").json(t, 200)
		if next := mine.apply(t, v); next != "" {
			t.Errorf("next_cursor %q", next)
		}
		for _, name := range collections {
			if len(mine.rows[name]) != 0 {
				t.Errorf("%s are left: %v", name, mine.rows[name])
			}
		}
		wantIDs(t, at(v, "changes", "tasks", "deleted"), a, gone)
		if slices.Contains(ids(at(v, "changes", "tasks", "deleted")), later) {
			t.Error("told of a row that was made after the removal")
		}
	}},
	{"final_is_for_removed_members", func(t *testing.T, w *world) {
		c := w.crew(t)
		c.viewer.ask(t, "GET", c.path+"sync/?since=0&final=1", "").wantProblem(t, 400, "membership_not_revoked", "final")
		c.stranger.ask(t, "GET", c.path+"sync/?since=0&final=1", "").wantProblem(t, 404, "not_found")
		c.removed.ask(t, "GET", c.path+"sync/?since=0&final=2", "").wantProblem(t, 400, "invalid_input", "final")
	}},
	{"a_member_who_joins_pulls_everything_with_since_0", func(t *testing.T, w *world) {
		c := w.crew(t)
		c.task(t, "before")
		c.join(t, c.stranger, "Viewer")
		c.join(t, c.removed, "Viewer") // and one who is back
		whole := newReplica()
		c.owner.pull(t, c.path, whole, 0)
		for _, p := range []*person{c.stranger, c.removed} {
			mine := newReplica()
			p.pull(t, c.path, mine, 0)
			if fmt.Sprint(mine) != fmt.Sprint(whole) {
				t.Errorf("got %v, want %v", mine, whole)
			}
		}
	}},
}

func mineMemberships(r *replica) members {
	m := members{}
	for id, row := range r.rows["memberships"] {
		m[id] = row
	}
	return m
}

func wantIDs(t *testing.T, list any, want ...string) {
	t.Helper()
	slices.Sort(want)
	got := ids(list)
	got = slices.DeleteFunc(got, func(id string) bool { return id == "" })
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
