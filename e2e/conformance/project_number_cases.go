package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidemark/shared/project"
)

var projectNumberCases = []projectCase{
	{"server_version_is_1_on_insert_and_1_more_with_every_update_and_the_deletion", func(t *testing.T, w *world) {
		c := w.crew(t)
		id := c.task(t, "T")
		task := c.path + "tasks/" + id + "/"
		for want := 2; want <= 5; want++ {
			if v := c.owner.patch(t, task, fmt.Sprintf(`{"name":"T%d"}`, want)); v["server_version"] != json.Number(fmt.Sprint(want)) {
				t.Errorf("want %d: %v", want, v)
			}
		}
		v := c.owner.upload(t, c.path, uuid(), "", "", fmt.Sprintf("%q", id)).json(t, 200)
		if at(v, "applied", "tasks", "deleted", 0, "server_version") != json.Number("6") {
			t.Errorf("after the deletion: %v", v)
		}
	}},
	{"no_update_is_lost", func(t *testing.T, w *world) {
		c := w.crew(t)
		task := c.path + "tasks/" + c.task(t, "T") + "/"
		race(20, func(i int) {
			if a := c.scheduler.ask(t, "PATCH", task, fmt.Sprintf(`{"percent_complete":%d}`, i)); a.status != 200 {
				t.Error(a)
			}
		})
		if v := c.viewer.ask(t, "GET", task, "").json(t, 200); v["server_version"] != json.Number("21") {
			t.Errorf("after 20 updates at once: %v", v)
		}
	}},
	{"a_cold_row_arrives_after_a_hot_row_in_every_collection", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		calendar := c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)["id"].(string)
		link := c.link(t, a, b)
		admins := c.owner.ask(t, "GET", c.path+"memberships/", "").json(t, 200)
		var membership string
		for _, m := range admins["results"].([]any) {
			if at(m, "user_id") == c.member.name {
				membership = at(m, "id").(string)
			}
		}
		for i := range 100 {
			c.owner.patch(t, c.path+"tasks/"+a+"/", fmt.Sprintf(`{"percent_complete":%d}`, i))
		}
		// Each is edited once, after another row was edited a hundred times.
		for _, cold := range []struct{ collection, path, body string }{
			{"tasks", "tasks/" + b + "/", `{"notes":"cold"}`},
			{"dependencies", "dependencies/" + link + "/", `{"lag_days":3}`},
			{"calendars", "calendars/" + calendar + "/", `{"name":"cold"}`},
			{"memberships", "memberships/" + membership + "/", `{"role":"Scheduler"}`},
			{"projects", "", `{"name":"cold"}`},
		} {
			mine := newReplica()
			c.viewer.pull(t, c.path, mine, 0)
			want := c.owner.patch(t, c.path+cold.path, cold.body)
			v := c.viewer.page(t, c.path, mine.mark, "", 0)
			if rowsOf(v) != 1 || at(v, "changes", cold.collection, "updated", 0, "id") != want["id"] {
				t.Errorf("%s: pulled %v, want %v", cold.collection, v, want)
			}
		}
		// And a new row, of version 1.
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		id := c.task(t, "new")
		if v := c.viewer.page(t, c.path, mine.mark, "", 0); at(v, "changes", "tasks", "updated", 0, "id") != id {
			t.Errorf("a new row did not arrive: %v", v)
		}
	}},
	{"server_version_is_part_of_the_row_and_the_sequence_is_not", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		c.link(t, a, b)
		c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)
		v := c.viewer.page(t, c.path, 0, "", 0)
		for i := range project.Collections {
			want := []string{"id", "server_version"}
			for _, f := range project.Collections[i].Fields {
				want = append(want, f.Name)
			}
			slices.Sort(want)
			name := string(project.Collections[i].Name)
			if got := keys(at(v, "changes", name, "updated", 0).(members)); !slices.Equal(got, want) {
				t.Errorf("%s has %q, want %q", name, got, want)
			}
		}
	}},
	{"the_sequence_is_strictly_increasing_and_each_projects_own", func(t *testing.T, w *world) {
		c, other := w.crew(t), w.crew(t)
		mark := func() int64 { return number(t, c.viewer.page(t, c.path, 0, "", 1)["timestamp"]) }
		last := mark()
		for i := range 5 {
			other.task(t, "T")
			if i%2 == 0 {
				c.task(t, "T")
				if now := mark(); now <= last {
					t.Errorf("the mark went from %d to %d", last, now)
				}
			} else if now := mark(); now != last {
				t.Errorf("another project moved the mark from %d to %d", last, now)
			}
			last = mark()
		}
	}},
	{"rows_of_one_batch_share_a_number_and_are_paged_by_id", func(t *testing.T, w *world) {
		c := w.crew(t)
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		var rows, want []string
		for i := range 17 {
			id := fmt.Sprintf("%s.%02d", c.id, i)
			want = append(want, id)
			rows = append(rows, fmt.Sprintf(`{"id":%q,"name":"T"}`, id))
		}
		c.member.upload(t, c.path, uuid(), strings.Join(rows, ","), "", "").json(t, 200)
		var got []string
		cursor := ""
		for {
			v := c.viewer.page(t, c.path, mine.mark, cursor, 3)
			got = append(got, ids(at(v, "changes", "tasks", "updated"))...)
			if cursor, _ = v["next_cursor"].(string); cursor == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}},
	{"the_mark_is_fixed_by_the_first_page_and_later_writes_stay_above_it", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		c.link(t, a, b)
		mine := newReplica()
		first := c.viewer.page(t, c.path, 0, "", 2) // the project and A
		mark := number(t, first["timestamp"])
		cursor := mine.apply(t, first)
		c.owner.patch(t, c.path, `{"name":"written in a drained collection"}`)
		late := c.task(t, "late")
		c.owner.patch(t, c.path+"tasks/"+b+"/", `{"name":"moved above the mark"}`)
		for cursor != "" {
			v := c.viewer.page(t, c.path, 0, cursor, 2)
			if got := number(t, v["timestamp"]); got != mark {
				t.Errorf("the mark is %d, and was %d", got, mark)
			}
			cursor = mine.apply(t, v)
		}
		if mine.rows["tasks"][late] != nil || mine.rows["projects"][c.id]["name"] != "Bridge" {
			t.Errorf("rows above the mark: %v", mine.rows)
		}
		c.viewer.pull(t, c.path, mine, 2)
		whole := newReplica()
		c.viewer.pull(t, c.path, whole, 0)
		if fmt.Sprint(mine) != fmt.Sprint(whole) {
			t.Errorf("got %v, want %v", mine, whole)
		}
	}},
}

// race runs f n times at once.
func race(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
