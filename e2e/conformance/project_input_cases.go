package conformance

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"tidemark/shared/project"
)

// badValues are values that a field of the kind never takes.
func badValues(f *project.Field) []string {
	long := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	bad := map[project.Kind][]string{
		project.Text:    {`5`, `true`, `[]`, `{}`, `"\u0000"`},
		project.Date:    {`5`, `""`, `"2026-02-30"`, `"2026-2-3"`, `"02/03/2026"`, `"2026-02-28T00:00:00Z"`, `[]`},
		project.Integer: {`"5"`, `true`, `1.5`, `-1`, `101`, `1e300`, `[5]`},
		project.Number:  {`"5"`, `true`, `1e300`, `-1e300`, `[5]`, `{}`},
		project.Boolean: {`0`, `1`, `"true"`, `[]`},
		project.Choice:  {`""`, `"nope"`, `5`, `[]`},
		project.Ref:     {`5`, `""`, `[]`, `true`},
		project.Days:    {`"1"`, `[0]`, `[8]`, `[1,1]`, `[1.5]`, `["1"]`, `{}`, `5`},
		project.Dates:   {`"2026-12-25"`, `["x"]`, `[5]`, `["2026-12-25","2026-12-25"]`, `["2026-13-01"]`, `{}`},
	}[f.Kind]
	if !f.Nullable {
		bad = append(bad, "null")
	}
	if f.Kind == project.Text {
		bad = append(bad, long(int(f.Max)+1))
		if f.Min > 0 {
			bad = append(bad, `""`)
		}
	}
	if f.Kind == project.Ref && f.To != project.Memberships {
		bad = append(bad, `"a b"`, `"../x"`, long(65))
	}
	return bad
}

var projectInputCases = []projectCase{
	{"every_field_is_checked_for_type_and_range", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		calendar := c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)["id"].(string)
		rows := map[project.Name]string{
			project.Projects: c.path, project.Tasks: c.path + "tasks/" + a + "/", project.Calendars: c.path + "calendars/" + calendar + "/",
			project.Dependencies: c.path + "dependencies/" + c.link(t, a, b) + "/",
			project.Memberships:  c.path + "memberships/" + c.join(t, c.stranger, "Viewer") + "/",
		}
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		for i := range project.Collections {
			collection := &project.Collections[i]
			list := c.path + string(collection.Name) + "/"
			if collection.Name == project.Projects {
				list = "/projects/"
			}
			for j := range collection.Fields {
				f := &collection.Fields[j]
				for _, bad := range badValues(f) {
					body := fmt.Sprintf(`{%q:%s}`, f.Name, bad)
					c.owner.ask(t, "POST", list, body).wantProblem(t, 400, "invalid_input", f.Name)
					c.owner.ask(t, "PATCH", rows[collection.Name], body).wantProblem(t, 400, "invalid_input", f.Name)
				}
				if f.Required {
					c.owner.ask(t, "POST", list, `{}`).wantProblem(t, 400, "invalid_input", f.Name)
				}
				if f.Fixed {
					c.owner.ask(t, "PATCH", rows[collection.Name], fmt.Sprintf(`{%q:"x"}`, f.Name)).wantProblem(t, 400, "invalid_input", f.Name)
				}
			}
			for _, unknown := range []string{"nope", "project_id", "seq", "deleted_version", "Name", ""} {
				c.owner.ask(t, "POST", list, fmt.Sprintf(`{%q:1}`, unknown)).wantProblem(t, 400, "invalid_input", unknown)
				c.owner.ask(t, "PATCH", rows[collection.Name], fmt.Sprintf(`{%q:1}`, unknown)).wantProblem(t, 400, "invalid_input", unknown)
			}
			for _, fixed := range []string{`{"id":"x"}`, `{"server_version":7}`} {
				c.owner.ask(t, "PATCH", rows[collection.Name], fixed).wantProblem(t, 400, "invalid_input")
			}
			for _, body := range []string{"", "null", "[]", "5", `"x"`, "{", `{"name":}`, `{"name":"a"} {}`, "{}x", "\xff", `{"name":"` + "\xff" + `"}`, strings.Repeat("[", 10_000)} {
				c.owner.ask(t, "PATCH", rows[collection.Name], body).wantProblem(t, 400, "invalid_input", "body")
				if collection.Name != project.Projects {
					c.owner.ask(t, "POST", list, body).wantProblem(t, 400, "invalid_input", "body")
				}
			}
			c.owner.ask(t, "PATCH", rows[collection.Name], "{}").wantProblem(t, 400, "invalid_input", "body")
			for _, id := range []string{`5`, `""`, `null`, `"a b"`, `"a/b"`, `".."`, `"é"`, `"` + strings.Repeat("x", 65) + `"`} {
				c.owner.ask(t, "POST", list, `{"id":`+id+`}`).wantProblem(t, 400, "invalid_input", "id")
			}
		}
		wantSame(t, c, before)
	}},
	{"a_time_in_milliseconds_is_a_sort_order", func(t *testing.T, w *world) {
		c := w.crew(t)
		id := c.task(t, "T", `"sort_order":1795347684123`)
		row := c.owner.patch(t, c.path+"tasks/"+id+"/", `{"sort_order":-1795347684123.5}`)
		if n, err := row["sort_order"].(json.Number).Float64(); err != nil || n != -1795347684123.5 {
			t.Errorf("got %v", row)
		}
	}},
	{"ids_of_another_project_are_rejected", func(t *testing.T, w *world) {
		c, foreign := w.crew(t), w.crew(t)
		mine, theirs := c.task(t, "mine"), foreign.task(t, "theirs")
		calendar := foreign.owner.create(t, foreign.path+"calendars/", `{"name":"C"}`)["id"].(string)
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		for _, e := range [][4]string{
			{"POST", "tasks/", fmt.Sprintf(`{"name":"T","parent_id":%q}`, theirs), "parent_id"},
			{"PATCH", "tasks/" + mine + "/", fmt.Sprintf(`{"parent_id":%q}`, theirs), "parent_id"},
			{"PATCH", "tasks/" + mine + "/", fmt.Sprintf(`{"assignee_id":%q}`, foreign.viewer.name), "assignee_id"},
			{"PATCH", "", fmt.Sprintf(`{"calendar_id":%q}`, calendar), "calendar_id"},
		} {
			c.owner.ask(t, e[0], c.path+e[1], e[2]).wantProblem(t, 400, "invalid_reference", e[3])
		}
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			c.owner.ask(t, method, c.path+"tasks/"+theirs+"/", `{"name":"x"}`).wantProblem(t, 404, "not_found")
		}
		wantSame(t, c, before)
	}},
	{"an_invalid_base_version_is_400", func(t *testing.T, w *world) {
		c := w.crew(t)
		task := c.path + "tasks/" + c.task(t, "T") + "/"
		for _, bad := range []string{"0", "-1", "x", "1.5", "99999999999999999999"} {
			c.owner.ask(t, "PATCH", task, `{"name":"x"}`, "X-Base-Version: "+bad).wantProblem(t, 400, "invalid_input", "X-Base-Version")
		}
		for _, bad := range []string{`"x"`, `"1""`, `""1"`, `""`, `"*""`, `W/`} {
			c.owner.ask(t, "PATCH", task, `{"name":"x"}`, "If-Match: "+bad).wantProblem(t, 400, "invalid_input", "If-Match")
		}
		c.owner.ask(t, "PATCH", task, `{"name":"x"}`, "X-Base-Version: 2").wantProblem(t, 400, "version_ahead", "server_version")
	}},
	{"paths_with_odd_characters_are_404", func(t *testing.T, w *world) {
		c := w.crew(t)
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		for _, odd := range []string{"a b", "é", "😀", "'; DROP TABLE Projects; --", "%", "a/b", `a\b`, `"`, "a\x00b", "\xff", "$.id", "?", "#", strings.Repeat("x", 65), strings.Repeat("x", 3000), "~", "*"} {
			id := url.PathEscape(odd)
			for _, path := range []string{"/projects/" + id + "/", c.path + "tasks/" + id + "/", c.path + id + "/"} {
				for _, method := range []string{"GET", "PATCH", "DELETE"} {
					c.owner.ask(t, method, path, `{"name":"x"}`).wantProblem(t, 404, "not_found")
				}
			}
		}
		for _, path := range []string{strings.TrimSuffix(c.path, "/"), c.path + "tasks", c.path + "tasks//x/", c.path + "sync", c.path + "nope/", "/", "/projects"} {
			c.owner.ask(t, "GET", path+"?", "").wantProblem(t, 404, "not_found")
		}
		wantSame(t, c, before)
	}},
}

// wantSame checks that nothing was written since.
func wantSame(t *testing.T, c *crew, before *replica) {
	t.Helper()
	now := newReplica()
	c.viewer.pull(t, c.path, now, 0)
	if now.mark != before.mark || fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("something was written: %v, was %v", now, before)
	}
}
