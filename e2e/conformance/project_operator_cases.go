package conformance

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const allProjects = "/operator/projects/"

// operator returns somebody with a scope, who is no member of any project.
func (w *world) operator(scope string) *person {
	p := w.person(newID("operator"))
	p.token = p.Token(Claims{Subject: p.name, Scope: scope, TTL: time.Hour})
	return p
}

const operatorScope = "sync:admin projects:read"

// all returns the crew's project in an operator's list, or nil.
func (p *person) all(t *testing.T, c *crew, query string) members {
	t.Helper()
	before := c.id[:len(c.id)-1] // an id that comes before the project's, and after nearly all others
	page := p.ask(t, "GET", allProjects+"?cursor="+before+query, "").json(t, 200)
	for _, row := range page["results"].([]any) {
		if at(row, "id") == c.id {
			return row.(members)
		}
	}
	return nil
}

var projectOperatorCases = []projectCase{
	{"an_operator_sees_every_project_with_exact_counts", func(t *testing.T, w *world) {
		c, o := w.crew(t), w.operator(operatorScope)
		c.task(t, "A")
		c.owner.remove(t, c.path+"tasks/"+c.task(t, "gone")+"/")
		c.task(t, "B")
		row := c.owner.patch(t, c.path, `{"name":"Bridge \"½\"","archived":true,"status":"on hold"}`)
		copied := newReplica()
		c.viewer.pull(t, c.path, copied, 0)
		got := o.all(t, c, "")
		want := members{
			"id": c.id, "name": row["name"], "status": "on hold", "archived": true, "deleted": false, "server_version": row["server_version"],
			"sequence": got["sequence"], "tasks": got["tasks"], "members": got["members"],
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if number(t, got["sequence"]) != copied.mark || number(t, got["tasks"]) != 2 || number(t, got["members"]) != 5 {
			t.Errorf("got %v, the mark is %d", got, copied.mark)
		}
	}},
	{"a_deleted_project_is_listed_on_request", func(t *testing.T, w *world) {
		c, o := w.crew(t), w.operator(operatorScope)
		c.task(t, "T")
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		c.owner.remove(t, c.path)
		if got := o.all(t, c, ""); got != nil {
			t.Errorf("it is listed: %v", got)
		}
		got := o.all(t, c, "&deleted=1")
		if got["deleted"] != true || number(t, got["tasks"]) != 0 || number(t, got["members"]) != 0 || number(t, got["sequence"]) != before.mark+1 || got["name"] != "Bridge" {
			t.Errorf("got %v", got)
		}
		member := c.viewer.ask(t, "GET", c.path+"sync/?since="+fmt.Sprint(before.mark), "")
		operator := o.ask(t, "GET", allProjects+c.id+"/sync/?since="+fmt.Sprint(before.mark), "")
		if member.status != 200 || operator.status != 200 || !bytes.Equal(member.body, operator.body) {
			t.Errorf("a member pulls %v, the operator %v", member, operator)
		}
	}},
	{"the_list_has_pages", func(t *testing.T, w *world) {
		o := w.operator(operatorScope)
		owner, prefix := w.person(newID("owner")), newID("p")
		var want []string
		for n := range 5 {
			id := fmt.Sprint(prefix, ".", n)
			owner.create(t, "/projects/", fmt.Sprintf(`{"id":%q,"name":"P"}`, id))
			want = append(want, id)
		}
		for size := 1; size <= 3; size++ {
			var got []string
			for cursor := prefix; ; {
				page := o.ask(t, "GET", fmt.Sprint(allProjects, "?page_size=", size, "&cursor=", cursor), "").json(t, 200)
				rows := page["results"].([]any)
				next, more := page["next_cursor"].(string)
				if len(rows) > size || more && len(rows) != size {
					t.Errorf("a page of %d has %d rows", size, len(rows))
				}
				for _, row := range rows {
					if id := at(row, "id").(string); strings.HasPrefix(id, prefix) {
						got = append(got, id)
					}
				}
				if cursor = next; !strings.HasPrefix(cursor, prefix) { // others may have made projects behind these
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: got %q, want %q", size, got, want)
			}
		}
	}},
	{"an_operator_pulls_what_a_member_pulls", func(t *testing.T, w *world) {
		c, o := w.crew(t), w.operator(operatorScope)
		a, b := c.task(t, "A", `"notes":"n"`), c.task(t, "B")
		c.link(t, a, b)
		c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)
		mine := newReplica()
		c.viewer.pull(t, c.path, mine, 0)
		c.owner.remove(t, c.path+"tasks/"+b+"/")
		for _, since := range []int64{0, 1, mine.mark, mine.mark + 1} {
			for _, size := range []int{1, 2, 1000} {
				for cursor, pages := "", 0; ; pages++ {
					query := url.Values{"since": {fmt.Sprint(since)}, "page_size": {fmt.Sprint(size)}}
					if cursor != "" {
						query.Set("cursor", cursor)
					}
					member, operator := c.viewer.ask(t, "GET", c.path+"sync/?"+query.Encode(), ""), o.ask(t, "GET", allProjects+c.id+"/sync/?"+query.Encode(), "")
					if member.status != 200 || operator.status != 200 || !bytes.Equal(member.body, operator.body) {
						t.Fatalf("%s: a member pulls %v, the operator %v", query.Encode(), member, operator)
					}
					next, more := operator.json(t, 200)["next_cursor"].(string)
					if cursor = next; !more || pages > 100 {
						break
					}
				}
			}
		}
		// The operator is no member all the same.
		o.ask(t, "GET", c.path+"sync/", "").wantProblem(t, 404, "not_found")
		o.ask(t, "GET", c.path, "").wantProblem(t, 404, "not_found")
	}},
	{"errors_of_an_operator", func(t *testing.T, w *world) {
		c, o := w.crew(t), w.operator(operatorScope)
		o.ask(t, "GET", allProjects+newID("none")+"/sync/", "").wantProblem(t, 404, "not_found")
		sync := allProjects + c.id + "/sync/"
		for _, e := range []struct {
			path, code, field string
		}{
			{sync + "?since=1000000", "since_ahead", "since"},
			{sync + "?since=-1", "invalid_input", "since"},
			{sync + "?page_size=0", "invalid_input", "page_size"},
			{sync + "?cursor=x", "invalid_input", "cursor"},
			{sync + "?final=1", "invalid_input", "final"},
			{sync + "?limit=1", "invalid_input", "limit"},
			{allProjects + "?page_size=5001", "invalid_input", "page_size"},
			{allProjects + "?cursor=%20", "invalid_input", "cursor"},
			{allProjects + "?deleted=0", "invalid_input", "deleted"},
			{allProjects + "?deleted", "invalid_input", "deleted"},
			{allProjects + "?archived=1", "invalid_input", "archived"},
		} {
			o.ask(t, "GET", e.path, "").wantProblem(t, 400, e.code, e.field)
		}
		for _, method := range []string{"POST", "DELETE", "PATCH"} {
			o.ask(t, method, allProjects, "").wantProblem(t, 405, "method_not_supported")
		}
	}},
	{"an_operator_needs_both_permissions", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, path := range []string{allProjects, allProjects + c.id + "/sync/"} {
			for scope, lacks := range map[string]string{
				"sync:admin": "projects:read", "projects:read projects:write sync:read sync:write": "sync:admin", NoScope: "sync:admin", "": "sync:admin",
			} {
				p := w.operator(scope).ask(t, "GET", path, "").wantProblem(t, 403, "forbidden")
				if detail, _ := p["detail"].(string); !strings.Contains(detail, lacks) {
					t.Errorf("%q: %q does not name %s", scope, detail, lacks)
				}
			}
			c.owner.ask(t, "GET", path, "").wantProblem(t, 403, "forbidden")
			w.operator(operatorScope).ask(t, "GET", path, "", "Authorization:").wantProblem(t, 401, "unauthorized")
			nameless := w.operator(operatorScope)
			nameless.token = nameless.Token(Claims{Scope: operatorScope, TTL: time.Hour})
			nameless.ask(t, "GET", path, "").json(t, 200)
		}
	}},
}
