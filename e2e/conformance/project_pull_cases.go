package conformance

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var projectPullCases = []projectCase{
	{"any_member_may_pull_from_Viewer_up", func(t *testing.T, w *world) {
		c := w.crew(t)
		for role, p := range c.byRole {
			if got := newReplica(); p.pull(t, c.path, got, 0) != 1 || len(got.rows["memberships"]) != 5 {
				t.Errorf("%s got %v", role, got)
			}
		}
		c.stranger.ask(t, "GET", c.path+"sync/", "").wantProblem(t, 404, "not_found")
		c.stranger.ask(t, "GET", c.path+"sync/", "", "Authorization:").wantProblem(t, 401, "unauthorized")
	}},
	{"since_0_is_everything_and_the_default", func(t *testing.T, w *world) {
		c := w.crew(t)
		c.task(t, "T")
		a := c.viewer.ask(t, "GET", c.path+"sync/", "").json(t, 200)
		b := c.viewer.ask(t, "GET", c.path+"sync/?since=0", "").json(t, 200)
		if !reflect.DeepEqual(a, b) || len(at(a, "changes", "tasks", "updated").([]any)) != 1 {
			t.Errorf("got %v and %v", a, b)
		}
		if a["next_cursor"] != nil {
			t.Errorf("next_cursor is %v", a["next_cursor"])
		}
	}},
	{"since_anything_else_is_400", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, bad := range []string{"", "-1", "+1", "1.5", "1e3", "null", " 1", "0x1", "99999999999999999999", "abc", "NaN"} {
			c.viewer.ask(t, "GET", c.path+"sync/?since="+url.QueryEscape(bad), "").wantProblem(t, 400, "invalid_input", "since")
		}
		c.viewer.ask(t, "GET", c.path+"sync/?since=1&since=2", "").wantProblem(t, 400, "invalid_input", "since")
	}},
	{"a_query_that_cannot_be_read_is_400", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, bad := range []string{"since=%zz", "since=1%", "since=2;page_size=5", "cursor=%zz", "page_size=%", "final=%zz"} {
			name, _, _ := strings.Cut(bad, "=")
			c.viewer.ask(t, "GET", c.path+"sync/?"+bad, "").wantProblem(t, 400, "invalid_input", name)
		}
		for _, list := range []string{"/projects/", c.path + "tasks/"} {
			c.viewer.ask(t, "GET", list+"?cursor=%zz", "").wantProblem(t, 400, "invalid_input", "cursor")
		}
	}},
	{"since_beyond_the_mark_is_an_error_of_its_own", func(t *testing.T, w *world) {
		c := w.crew(t)
		c.viewer.ask(t, "GET", c.path+"sync/?since=1000000", "").wantProblem(t, 400, "since_ahead", "since")
	}},
	{"since_is_constant_through_one_session", func(t *testing.T, w *world) {
		c := w.crew(t)
		cursor := c.viewer.page(t, c.path, 0, "", 2)["next_cursor"].(string)
		c.viewer.ask(t, "GET", c.path+"sync/?since=1&cursor="+cursor, "").wantProblem(t, 400, "invalid_input", "since")
		c.viewer.page(t, c.path, 0, cursor, 2)
	}},
	{"cursor_malformed_of_another_project_or_ahead_is_400", func(t *testing.T, w *world) {
		c, other := w.crew(t), w.crew(t)
		c.task(t, "T")
		cursor := c.viewer.page(t, c.path, 0, "", 2)["next_cursor"].(string)
		bad := []string{"", "x", cursor[1:], cursor[:len(cursor)-1], cursor + "A", cursor + "=", "e30", "W10", "bnVsbA", strings.Repeat("A", 5000), "%00"}
		for i := range cursor {
			bad = append(bad, cursor[:i]+"!"+cursor[i+1:])
		}
		for _, b := range bad {
			c.viewer.ask(t, "GET", c.path+"sync/?cursor="+url.QueryEscape(b), "").wantProblem(t, 400, "invalid_input", "cursor")
		}
		other.viewer.ask(t, "GET", other.path+"sync/?cursor="+cursor, "").wantProblem(t, 400, "invalid_input", "cursor")
		// The same project, as if it had been restored to an earlier time.
		early := w.crew(t)
		ahead := strings.NewReplacer(c.id, early.id)
		c.viewer.ask(t, "GET", c.path+"sync/?cursor="+forge(t, cursor, func(s string) string { return setMark(s, 1_000_000) }), "").
			wantProblem(t, 400, "invalid_cursor", "cursor")
		early.viewer.ask(t, "GET", early.path+"sync/?cursor="+forge(t, cursor, ahead.Replace), "").
			wantProblem(t, 400, "invalid_cursor", "cursor")
	}},
	{"page_size_is_1000_by_default_and_5000_at_most", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, bad := range []string{"0", "-1", "5001", "x", "", "1.0"} {
			c.viewer.ask(t, "GET", c.path+"sync/?page_size="+url.QueryEscape(bad), "").wantProblem(t, 400, "invalid_input", "page_size")
		}
		for n := range 3 {
			var rows []string
			for i := range 400 {
				rows = append(rows, fmt.Sprintf(`{"id":%q,"name":"T"}`, fmt.Sprintf("%s.%d.%d", c.id, n, i)))
			}
			c.owner.upload(t, c.path, uuid(), strings.Join(rows, ","), "", "").json(t, 200)
		}
		first := c.viewer.page(t, c.path, 0, "", 0)
		if n := rowsOf(first); n != 1000 || first["next_cursor"] == nil {
			t.Errorf("%d rows, next_cursor %v", n, first["next_cursor"])
		}
		if n := rowsOf(c.viewer.page(t, c.path, 0, "", 5000)); n != 1207 { // with the project and the memberships, live and not
			t.Errorf("%d rows in a page of 5000", n)
		}
		all := newReplica()
		if pages := c.viewer.pull(t, c.path, all, 0); pages != 2 || len(all.rows["tasks"]) != 1200 {
			t.Errorf("%d pages, %d tasks", pages, len(all.rows["tasks"]))
		}
	}},
	{"pages_of_every_size_bring_the_same", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		c.link(t, a, b)
		c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)
		c.owner.remove(t, c.path+"tasks/"+c.task(t, "gone")+"/")
		whole := newReplica()
		c.viewer.pull(t, c.path, whole, 0)
		total := 0
		for _, name := range collections {
			total += len(whole.rows[name])
		}
		for size := 1; size <= total+3; size++ {
			paged := newReplica()
			pages := c.viewer.pull(t, c.path, paged, size)
			if !reflect.DeepEqual(paged, whole) {
				t.Errorf("pages of %d: got %v, want %v", size, paged, whole)
			}
			if want := (total + 2 + size - 1) / size; pages != want { // and two tombstones
				t.Errorf("pages of %d rows: %d, want %d", size, pages, want)
			}
		}
	}},
	{"updated_holds_whole_live_rows_deleted_the_ids", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A", `"notes":"n"`), c.task(t, "B")
		c.owner.remove(t, c.path+"tasks/"+b+"/")
		v := c.viewer.page(t, c.path, 0, "", 0)
		updated := at(v, "changes", "tasks", "updated").([]any)
		if len(updated) != 1 || at(updated, 0, "id") != a || at(updated, 0, "notes") != "n" {
			t.Errorf("updated %v", updated)
		}
		if deleted := at(v, "changes", "tasks", "deleted").([]any); len(deleted) != 1 || deleted[0] != b {
			t.Errorf("deleted %v", deleted)
		}
		row := c.viewer.ask(t, "GET", c.path+"tasks/"+a+"/", "").json(t, 200)
		if !reflect.DeepEqual(row, updated[0]) {
			t.Errorf("pulled %v, got %v", updated[0], row)
		}
	}},
	{"the_arrays_of_a_calendar_are_JSON_text_as_a_column_holds_them", func(t *testing.T, w *world) {
		c := w.crew(t)
		c.owner.create(t, c.path+"calendars/", `{"name":"C","working_days":[3,1],"exceptions":["2026-12-25"]}`)
		row := at(c.viewer.page(t, c.path, 0, "", 0), "changes", "calendars", "updated", 0)
		if at(row, "working_days") != "[1,3]" || at(row, "exceptions") != `["2026-12-25"]` {
			t.Errorf("got %v", row)
		}
	}},
	{"timestamp_is_the_next_since", func(t *testing.T, w *world) {
		c := w.crew(t)
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		if n := rowsOf(c.viewer.page(t, c.path, mine.mark, "", 0)); n != 0 {
			t.Errorf("%d rows without a change", n)
		}
		id := c.task(t, "T")
		v := c.viewer.page(t, c.path, mine.mark, "", 0)
		if rowsOf(v) != 1 || at(v, "changes", "tasks", "updated", 0, "id") != id || number(t, v["timestamp"]) <= mine.mark {
			t.Errorf("got %v", v)
		}
	}},
}

// rowsOf counts the rows of a page.
func rowsOf(v members) (n int) {
	for _, name := range collections {
		for _, list := range []string{"updated", "deleted"} {
			n += len(at(v, "changes", name, list).([]any))
		}
	}
	return n
}

func ids(list any) []string {
	var out []string
	for _, v := range list.([]any) {
		if m, ok := v.(members); ok {
			v = m["id"]
		}
		out = append(out, v.(string))
	}
	slices.Sort(out)
	return out
}
