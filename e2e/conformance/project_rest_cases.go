package conformance

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tidemark/shared/project"
)

var projectRestCases = []projectCase{
	{"every_collection_can_be_created_read_changed_listed_and_deleted", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		for _, e := range []struct{ list, create, row, patch, patched string }{
			{"tasks", `{"name":"T","description":"d","status":"blocked","percent_complete":40,"planned_start":"2026-02-28","duration_days":2.5,"parent_id":"` + a +
				`","assignee_id":"` + c.viewer.name + `","is_milestone":true,"sort_order":-1.5,"notes":"é 😀 \" \\ \n"}`, "",
				`{"parent_id":null,"percent_complete":100}`, `{"parent_id":null,"percent_complete":100}`},
			{"tasks", `{"name":"T"}`, `{"name":"T","description":null,"status":"not_started","percent_complete":0,"planned_start":null,"duration_days":null,"parent_id":null,
				"assignee_id":null,"is_milestone":false,"sort_order":0,"notes":null}`, `{"name":"U"}`, `{"name":"U"}`},
			{"dependencies", `{"predecessor_id":"` + a + `","successor_id":"` + b + `","type":"SS","lag_days":-2}`, "", `{"type":"FF"}`, `{"type":"FF"}`},
			{"calendars", `{"name":"C","working_days":[5,1],"hours_per_day":7.5,"exceptions":["2026-12-26","2026-12-25"]}`,
				`{"name":"C","working_days":[1,5],"hours_per_day":7.5,"exceptions":["2026-12-25","2026-12-26"]}`, `{"working_days":[]}`, `{"working_days":[]}`},
			{"calendars", `{"name":"C"}`, `{"name":"C","working_days":[1,2,3,4,5],"hours_per_day":8,"exceptions":[]}`, `{"name":"D"}`, `{"name":"D"}`},
			{"memberships", `{"user_id":"` + c.stranger.name + `","role":"Viewer"}`, "", `{"role":"Member"}`, `{"role":"Member"}`},
		} {
			created := c.owner.ask(t, "POST", c.path+e.list+"/", e.create)
			row := created.json(t, 201)
			if e.row == "" {
				e.row = e.create
			}
			wantMembers(t, row, e.row)
			one := c.path + e.list + "/" + row["id"].(string) + "/"
			created.wantHeader(t, "Location", c.owner.path(v1+one))
			created.wantHeader(t, "Etag", `"1"`)
			got := c.viewer.ask(t, "GET", one, "")
			got.wantHeader(t, "Etag", `"1"`)
			if !reflect.DeepEqual(got.json(t, 200), row) {
				t.Errorf("got %v, want %v", got, row)
			}
			patched := c.owner.ask(t, "PATCH", one, e.patch)
			patched.wantHeader(t, "Etag", `"2"`)
			now := patched.json(t, 200)
			wantMembers(t, now, e.patched)
			for k := range row {
				if !strings.Contains(e.patch, `"`+k+`"`) && k != "server_version" && !reflect.DeepEqual(now[k], row[k]) {
					t.Errorf("%s changed from %v to %v", k, row[k], now[k])
				}
			}
			if list := c.viewer.ask(t, "GET", c.path+e.list+"/", "").json(t, 200); !slices.Contains(ids(list["results"]), row["id"].(string)) {
				t.Errorf("not in the list: %v", list)
			}
			c.owner.remove(t, one)
			c.viewer.ask(t, "GET", one, "").wantProblem(t, 404, "not_found")
			if list := c.viewer.ask(t, "GET", c.path+e.list+"/", "").json(t, 200); len(list["results"].([]any)) > 0 && slices.Contains(ids(list["results"]), row["id"].(string)) {
				t.Errorf("still in the list: %v", list)
			}
		}
	}},
	{"projects_are_listed_to_their_members_alone", func(t *testing.T, w *world) {
		p, q := w.person(newID("p")), w.person(newID("q"))
		var mine []string
		for i := range 7 {
			mine = append(mine, p.create(t, "/projects/", fmt.Sprintf(`{"name":"P%d"}`, i))["id"].(string))
			q.create(t, "/projects/", `{"name":"Q"}`)
		}
		slices.Sort(mine)
		for _, size := range []int{1, 2, 3, 7, 8} {
			if got := p.list(t, "/projects/", size); !slices.Equal(got, mine) {
				t.Errorf("pages of %d: got %q, want %q", size, got, mine)
			}
		}
		row := p.ask(t, "GET", "/projects/"+mine[0]+"/", "").json(t, 200)
		wantMembers(t, row, `{"status":"active","archived":false,"description":null,"start_date":null,"calendar_id":null,"server_version":1}`)
		p.patch(t, "/projects/"+mine[0]+"/", `{"archived":true,"start_date":"2026-01-02"}`)
	}},
	{"lists_are_paged", func(t *testing.T, w *world) {
		c := w.crew(t)
		var want []string
		for i := range 5 {
			want = append(want, c.task(t, fmt.Sprint(i)))
		}
		slices.Sort(want)
		for size := 1; size <= 6; size++ {
			if got := c.viewer.list(t, c.path+"tasks/", size); !slices.Equal(got, want) {
				t.Errorf("pages of %d: got %q, want %q", size, got, want)
			}
		}
		for _, bad := range []string{"page_size=0", "page_size=x", "cursor=", "cursor=%2F"} {
			c.viewer.ask(t, "GET", c.path+"tasks/?"+bad, "").wantProblem(t, 400, "invalid_input")
		}
	}},
	{"a_client_made_id_makes_a_retry_idempotent", func(t *testing.T, w *world) {
		c, foreign := w.crew(t), w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		for list, fields := range map[string]string{
			"tasks": `"name":"T"`, "calendars": `"name":"C"`,
			"dependencies": fmt.Sprintf(`"predecessor_id":%q,"successor_id":%q`, a, b),
			"memberships":  fmt.Sprintf(`"user_id":%q,"role":"Viewer"`, c.stranger.name),
		} {
			id := uuid()
			body := fmt.Sprintf(`{"id":%q,%s}`, id, fields)
			first := c.owner.ask(t, "POST", c.path+list+"/", body).json(t, 201)
			again := c.owner.ask(t, "POST", c.path+list+"/", body).json(t, 200)
			if first["id"] != id || !reflect.DeepEqual(first, again) {
				t.Errorf("%s: first %v, then %v", list, first, again)
			}
			foreign.owner.ask(t, "POST", foreign.path+list+"/", strings.Replace(body, c.stranger.name, "x", 1)).wantProblem(t, 409, "id_taken", "id")
		}
		if again := c.owner.ask(t, "POST", "/projects/", fmt.Sprintf(`{"id":%q,"name":"Bridge"}`, c.id)).json(t, 200); again["id"] != c.id {
			t.Errorf("got %v", again)
		}
		c.stranger.ask(t, "POST", "/projects/", fmt.Sprintf(`{"id":%q,"name":"mine"}`, foreign.id)).wantProblem(t, 409, "id_taken", "id")
	}},
	{"dependencies_are_of_live_tasks_of_this_project", func(t *testing.T, w *world) {
		c, foreign := w.crew(t), w.crew(t)
		a, gone, other := c.task(t, "A"), c.task(t, "gone"), foreign.task(t, "other")
		c.owner.remove(t, c.path+"tasks/"+gone+"/")
		for _, bad := range []string{gone, other, "nobody"} {
			c.owner.ask(t, "POST", c.path+"dependencies/", fmt.Sprintf(`{"predecessor_id":%q,"successor_id":%q}`, a, bad)).
				wantProblem(t, 400, "invalid_reference", "successor_id")
			c.owner.ask(t, "POST", c.path+"dependencies/", fmt.Sprintf(`{"predecessor_id":%q,"successor_id":%q}`, bad, a)).
				wantProblem(t, 400, "invalid_reference", "predecessor_id")
		}
	}},
	{"dependencies_have_no_cycle_and_no_duplicate_pair", func(t *testing.T, w *world) {
		c := w.crew(t)
		var tasks []string
		for i := range 5 {
			tasks = append(tasks, c.task(t, fmt.Sprint(i)))
			if i > 0 {
				c.link(t, tasks[i-1], tasks[i])
			}
		}
		link := func(from, to string) answer {
			return c.scheduler.ask(t, "POST", c.path+"dependencies/", fmt.Sprintf(`{"predecessor_id":%q,"successor_id":%q}`, from, to))
		}
		for i := range tasks {
			link(tasks[4], tasks[i]).wantProblem(t, 409, "dependency_cycle", "successor_id")
			link(tasks[i], tasks[0]).wantProblem(t, 409, "dependency_cycle", "successor_id")
		}
		link(tasks[0], tasks[1]).wantProblem(t, 409, "duplicate_dependency", "successor_id")
		for _, from := range []string{tasks[4], tasks[0]} {
			if a := link(from, tasks[1]); at(a.json(t, 409), "detail") == "" {
				t.Errorf("no detail: %v", a)
			}
		}
		extra := link(tasks[0], tasks[4]).json(t, 201)["id"].(string)
		c.scheduler.remove(t, c.path+"dependencies/"+extra+"/")
		link(tasks[0], tasks[4]).json(t, 201) // the pair is free again
	}},
	{"20_inserts_at_once_make_one_dependency_of_a_pair_and_no_cycle", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		var made atomic.Int32
		insert := func(from, to string) {
			switch r := c.scheduler.ask(t, "POST", c.path+"dependencies/", fmt.Sprintf(`{"predecessor_id":%q,"successor_id":%q}`, from, to)); r.status {
			case 201:
				made.Add(1)
			case 409:
			default:
				t.Error(r)
			}
		}
		race(20, func(i int) {
			if i%2 == 0 {
				insert(a, b)
			} else {
				insert(b, a)
			}
		})
		if made.Load() != 1 {
			t.Errorf("%d dependencies were made", made.Load())
		}
		// A ring of 20, of which one link has to be refused.
		var ring []string
		for i := range 20 {
			ring = append(ring, c.task(t, fmt.Sprint(i)))
		}
		made.Store(0)
		race(20, func(i int) { insert(ring[i], ring[(i+1)%20]) })
		if made.Load() != 19 {
			t.Errorf("%d links of a ring of 20 were made", made.Load())
		}
	}},
	{"a_task_cannot_be_its_own_ancestor", func(t *testing.T, w *world) {
		c := w.crew(t)
		a := c.task(t, "A")
		b := c.task(t, "B", fmt.Sprintf(`"parent_id":%q`, a))
		d := c.task(t, "C", fmt.Sprintf(`"parent_id":%q`, b))
		for _, parent := range []string{a, b, d} {
			c.owner.ask(t, "PATCH", c.path+"tasks/"+a+"/", fmt.Sprintf(`{"parent_id":%q}`, parent)).wantProblem(t, 409, "parent_cycle", "parent_id")
		}
		c.owner.patch(t, c.path+"tasks/"+d+"/", fmt.Sprintf(`{"parent_id":%q}`, a))
	}},
	{"a_task_has_at_most_100_ancestors", func(t *testing.T, w *world) {
		c := w.crew(t)
		rows := []string{fmt.Sprintf(`{"id":"%s.0","name":"T"}`, c.id)}
		for i := range project.MaxNesting {
			rows = append(rows, fmt.Sprintf(`{"id":"%s.%d","name":"T","parent_id":"%[1]s.%[3]d"}`, c.id, i+1, i))
		}
		c.owner.upload(t, c.path, uuid(), strings.Join(rows, ","), "", "").json(t, 200)
		c.owner.ask(t, "POST", c.path+"tasks/", fmt.Sprintf(`{"name":"T","parent_id":"%s.%d"}`, c.id, project.MaxNesting)).
			wantProblem(t, 409, "parent_cycle", "parent_id")
		c.task(t, "T", fmt.Sprintf(`"parent_id":"%s.%d"`, c.id, project.MaxNesting-1))
	}},
	{"a_patch_on_a_base_conflicts_in_the_same_fields", func(t *testing.T, w *world) {
		c := w.crew(t)
		task := c.path + "tasks/" + c.task(t, "first", `"notes":"n"`) + "/"
		c.owner.patch(t, task, `{"name":"theirs"}`)
		for _, header := range []string{"X-Base-Version: 1", `If-Match: "1"`, `If-Match: W/"1"`} {
			p := c.owner.ask(t, "PATCH", task, `{"name":"mine","notes":"new"}`, header).wantProblem(t, 409, "sync_conflict")
			wantMembers(t, p, `{"conflict_fields":["name"],"server_value":{"name":"theirs"},"client_value":{"name":"mine"},"server_version":2}`)
		}
		if row := c.owner.ask(t, "GET", task, "").json(t, 200); row["notes"] != "n" || row["server_version"] != json.Number("2") {
			t.Errorf("something was written: %v", row)
		}
		// On the version that the problem told it goes through.
		c.owner.patch(t, task, `{"name":"mine","notes":"new"}`, "X-Base-Version: 2")
		// The same value is no conflict: a retry whose first answer was lost.
		c.owner.patch(t, task, `{"name":"mine","notes":"new"}`, "X-Base-Version: 2")
	}},
	{"a_patch_on_a_base_merges_in_other_fields_and_names_them", func(t *testing.T, w *world) {
		c := w.crew(t)
		task := c.path + "tasks/" + c.task(t, "first") + "/"
		c.owner.patch(t, task, `{"name":"theirs","status":"done"}`)
		a := c.owner.ask(t, "PATCH", task, `{"notes":"mine"}`, "X-Base-Version: 1")
		row := a.json(t, 200)
		wantMembers(t, row, `{"name":"theirs","status":"done","notes":"mine","server_version":3}`)
		merged := strings.Split(a.header.Get("X-Merged-Concurrent-Fields"), ", ")
		slices.Sort(merged)
		if !slices.Equal(merged, []string{"name", "status"}) {
			t.Errorf("merged %q", merged)
		}
		a = c.owner.ask(t, "PATCH", task, `{"notes":"again"}`, "X-Base-Version: 3")
		a.json(t, 200)
		a.wantHeader(t, "X-Merged-Concurrent-Fields", "")
	}},
	{"a_patch_without_a_base_wins", func(t *testing.T, w *world) {
		c := w.crew(t)
		task := c.path + "tasks/" + c.task(t, "first") + "/"
		c.owner.patch(t, task, `{"name":"theirs"}`)
		a := c.owner.ask(t, "PATCH", task, `{"name":"mine"}`)
		wantMembers(t, a.json(t, 200), `{"name":"mine","server_version":3}`)
		a.wantHeader(t, "X-Merged-Concurrent-Fields", "")
		c.owner.patch(t, task, `{"name":"any"}`, "If-Match: *")
	}},
	{"conflicts_of_arrays_and_booleans_show_them_as_such", func(t *testing.T, w *world) {
		c := w.crew(t)
		calendar := c.path + "calendars/" + c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)["id"].(string) + "/"
		c.owner.patch(t, calendar, `{"working_days":[1]}`)
		p := c.owner.ask(t, "PATCH", calendar, `{"working_days":[2]}`, "X-Base-Version: 1").wantProblem(t, 409, "sync_conflict")
		wantMembers(t, p, `{"server_value":{"working_days":[1]},"client_value":{"working_days":[2]}}`)
		c.owner.patch(t, c.path, `{"archived":true}`)
		p = c.owner.ask(t, "PATCH", c.path, `{"archived":false}`, "X-Base-Version: 1").wantProblem(t, 409, "sync_conflict")
		wantMembers(t, p, `{"server_value":{"archived":true},"client_value":{"archived":false}}`)
	}},
	{"errors_are_problems", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, header := range []string{"Authorization:", "Authorization: Bearer x", "Authorization: Basic eDp5"} {
			c.owner.ask(t, "GET", c.path, "", header).wantProblem(t, 401, "unauthorized")
			c.owner.ask(t, "GET", "/nowhere", "", header).wantProblem(t, 401, "unauthorized")
		}
		c.owner.ask(t, "GET", "/nowhere", "").wantProblem(t, 404, "not_found")
		c.owner.ask(t, "GET", "/projects/"+url.PathEscape(newID("none"))+"/", "").wantProblem(t, 404, "not_found")
		c.stranger.ask(t, "GET", c.path, "").wantProblem(t, 404, "not_found")
		c.viewer.ask(t, "POST", c.path+"tasks/", `{"name":"T"}`).wantProblem(t, 403, "role_too_low")
		a := c.owner.ask(t, "PUT", c.path, "{}")
		a.wantProblem(t, 405, "method_not_supported")
		a.wantHeader(t, "Allow", "GET, PATCH, DELETE")
		c.owner.ask(t, "POST", c.path+"tasks/", `{"name":"`+strings.Repeat("x", 300_000)+`"}`).wantProblem(t, 413, "payload_too_large")
		c.owner.ask(t, "POST", c.path+"tasks/", `{"name":"T"}`, "Content-Encoding: gzip").wantProblem(t, 415, "unsupported_media_type")
		unknown := map[string]int{}
		for i := range 52 {
			unknown[fmt.Sprint(i)] = i
		}
		body, _ := json.Marshal(unknown)
		named := c.owner.ask(t, "PATCH", c.path, string(body)).wantProblem(t, 400, "invalid_input", "0")
		if n := len(named["errors"].([]any)); n > 50 {
			t.Errorf("a problem names %d fields", n)
		}
	}},
	{"the_scope_of_a_token_holds", func(t *testing.T, w *world) {
		c := w.crew(t)
		reader := &person{c.viewer.as("projects:read"), "conformance", c.viewer.seen}
		reader.ask(t, "GET", "/projects/", "").json(t, 200)
		reader.ask(t, "POST", "/projects/", `{"name":"P"}`).wantProblem(t, 403, "forbidden")
		(&person{c.viewer.as("sync:read sync:write"), "conformance", c.viewer.seen}).ask(t, "GET", "/projects/", "").wantProblem(t, 403, "forbidden")
	}},
	{"the_interface_describes_itself_to_anyone", func(t *testing.T, w *world) {
		p := w.person("anyone")
		doc := p.do(t, "GET", v1+"/openapi.json", "", "Authorization:").json(t, 200)
		if doc["openapi"] != "3.1.0" {
			t.Errorf("openapi is %v", doc["openapi"])
		}
		page := p.do(t, "GET", v1+"/docs", "", "Authorization:")
		html := string(page.body)
		if page.status != 200 || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			t.Errorf("%v", page)
		}
		for path := range doc["paths"].(members) {
			if !strings.Contains(html, "<code>"+path+"</code>") {
				t.Errorf("the page does not tell of %s", path)
			}
		}
		for _, outside := range []string{"<script", "src=", "@import", "url(", `href="http`} {
			if strings.Contains(html, outside) {
				t.Errorf("the page has %q", outside)
			}
		}
	}},
}

// list answers the ids of all pages of that size.
func (p *person) list(t *testing.T, path string, size int) []string {
	t.Helper()
	got, cursor := []string{}, ""
	for {
		v := p.ask(t, "GET", fmt.Sprintf("%s?page_size=%d%s", path, size, cursor), "").json(t, 200)
		page := v["results"].([]any)
		if len(page) > size || len(page) == 0 {
			t.Fatalf("%d rows in a page of %d", len(page), size)
		}
		for _, row := range page {
			got = append(got, at(row, "id").(string))
		}
		next, ok := v["next_cursor"].(string)
		if !ok {
			return got
		}
		cursor = "&cursor=" + url.QueryEscape(next)
	}
}

// wantMembers checks the members that want has; numbers are compared by value.
func wantMembers(t *testing.T, got members, want string) {
	t.Helper()
	for k, v := range parse(t, []byte(want)).(members) {
		if !same(got[k], v) {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
}

func same(a, b any) bool {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok1 && ok2 {
		f, _ := x.Float64()
		g, _ := y.Float64()
		return f == g
	}
	return reflect.DeepEqual(a, b)
}
