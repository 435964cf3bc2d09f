package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An Exchange is a request below /api/v1/ and its response.
type Exchange struct {
	Method, Path string // the path with its query
	Header       http.Header
	Body         string
	Status       int
	AnswerHeader http.Header
	Answer       []byte
}

// RunProjects runs every case of the projects' interface against the server behind the
// door. The groups have the numbers of the sections of docs/protocol.md. If seen is not
// nil, RunProjects calls it with every exchange. If groups are named, the others do not run.
func RunProjects(t *testing.T, door Door, seen func(*testing.T, Exchange), groups ...string) {
	t.Run("projects", func(t *testing.T) { runProjects(t, door, seen, groups) })
}

func runProjects(t *testing.T, door Door, seen func(*testing.T, Exchange), groups []string) {
	ask := httpClient(t, 32)
	for _, group := range []struct {
		name  string
		cases []projectCase
	}{
		{"1_pull", projectPullCases}, {"2_numbers", projectNumberCases}, {"3_deletion", projectDeletionCases},
		{"4_rest", projectRestCases}, {"4_input", projectInputCases}, {"5_upload", projectUploadCases},
		{"6_roles", projectRoleCases}, {"operators", projectOperatorCases}, {"room", projectRoomCases},
	} {
		if len(groups) > 0 && !slices.Contains(groups, group.name) {
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					door.skip(t, "projects/"+group.name+"/"+c.name)
					c.run(t, &world{&client{Door: door, http: ask}, seen})
				})
			}
		})
	}
}

type projectCase struct {
	name string
	run  func(*testing.T, *world)
}

// A world creates people and crews on one server.
type world struct {
	client *client
	seen   func(*testing.T, Exchange)
}

// A person is a client with a subject of its own.
type person struct {
	*client
	name string
	seen func(*testing.T, Exchange)
}

func (w *world) person(name string) *person {
	c := *w.client
	c.token = c.Token(Claims{Subject: name, Scope: NoScope, TTL: time.Hour})
	return &person{&c, name, w.seen}
}

const v1 = "/api/v1"

// ask sends a request below /api/v1.
func (p *person) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	a := p.do(t, method, v1+path, body, headers...)
	if p.seen != nil {
		h := http.Header{}
		for _, line := range headers {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(value) != "" {
				h.Set(name, strings.TrimSpace(value))
			}
		}
		h.Set("Authorization", "Bearer "+p.bearer())
		p.seen(t, Exchange{method, v1 + path, h, body, a.status, a.header, a.body})
	}
	return a
}

type members = map[string]any

// json returns the response's object. The response must have that status.
func (a answer) json(t *testing.T, status int) members {
	t.Helper()
	if a.status != status {
		t.Fatalf("want status %d: %v", status, a)
	}
	v, ok := parse(t, a.body).(members)
	if !ok {
		t.Fatalf("not an object: %v", a)
	}
	return v
}

// wantProblem checks that the response is a problem (RFC 9457) with that status and
// code, and that its errors name these fields.
func (a answer) wantProblem(t *testing.T, status int, code string, fields ...string) members {
	t.Helper()
	v := a.json(t, status)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content-type %q", got)
	}
	for _, name := range []string{"type", "title", "detail", "code"} {
		if s, ok := v[name].(string); !ok || s == "" && name != "detail" {
			t.Errorf("%s is %v: %v", name, v[name], a)
		}
	}
	if v["code"] != code || v["status"] != json.Number(strconv.Itoa(status)) {
		t.Errorf("want %d %s: %v", status, code, a)
	}
	var named []string
	errors, _ := v["errors"].([]any)
	for _, e := range errors {
		field, _ := at(e, "field").(string)
		named = append(named, field)
		if m, _ := at(e, "message").(string); m == "" {
			t.Errorf("an error without a message: %v", a)
		}
	}
	for _, f := range fields {
		if !slices.Contains(named, f) {
			t.Errorf("want %q among the fields %q: %v", f, named, a)
		}
	}
	return v
}

func (p *person) create(t *testing.T, path, body string) members {
	t.Helper()
	return p.ask(t, "POST", path, body).json(t, 201)
}

func (p *person) patch(t *testing.T, path, body string, headers ...string) members {
	t.Helper()
	return p.ask(t, "PATCH", path, body, headers...).json(t, 200)
}

func (p *person) remove(t *testing.T, path string) {
	t.Helper()
	if a := p.ask(t, "DELETE", path, ""); a.status != 204 || len(a.body) != 0 {
		t.Fatalf("want 204 and no body: %v", a)
	}
}

// A crew is a project with one person in each role.
type crew struct {
	*world
	id   string // of the project
	path string // /projects/ID/, below /api/v1
	// By role, in lower case; stranger was never a member, removed was one.
	owner, admin, scheduler, member, viewer, stranger, removed *person
	byRole                                                     map[string]*person
}

var roles = []string{"Viewer", "Member", "Scheduler", "Admin", "Owner"}

func (w *world) crew(t *testing.T) *crew {
	t.Helper()
	suffix := newID("")
	c := &crew{world: w, id: newID("p"), byRole: map[string]*person{}}
	c.path = "/projects/" + c.id + "/"
	c.owner, c.stranger, c.removed = w.person("owner"+suffix), w.person("stranger"+suffix), w.person("removed"+suffix)
	c.byRole["Owner"] = c.owner
	c.owner.create(t, "/projects/", fmt.Sprintf(`{"id":%q,"name":"Bridge"}`, c.id))
	for role, to := range map[string]**person{"Admin": &c.admin, "Scheduler": &c.scheduler, "Member": &c.member, "Viewer": &c.viewer} {
		*to = w.person(strings.ToLower(role) + suffix)
		c.byRole[role] = *to
		c.join(t, *to, role)
	}
	c.remove(t, c.removed, c.join(t, c.removed, "Member"))
	return c
}

// join makes p a member and returns the id of the membership.
func (c *crew) join(t *testing.T, p *person, role string) string {
	t.Helper()
	m := c.owner.create(t, c.path+"memberships/", fmt.Sprintf(`{"user_id":%q,"role":%q}`, p.name, role))
	return m["id"].(string)
}

func (c *crew) remove(t *testing.T, p *person, membership string) {
	t.Helper()
	c.owner.remove(t, c.path+"memberships/"+membership+"/")
}

// task creates a task as the Owner, and returns its id.
func (c *crew) task(t *testing.T, name string, more ...string) string {
	t.Helper()
	body := fmt.Sprintf(`{"name":%q%s}`, name, strings.Join(append([]string{""}, more...), ","))
	return c.owner.create(t, c.path+"tasks/", body)["id"].(string)
}

func (c *crew) link(t *testing.T, from, to string) string {
	t.Helper()
	return c.owner.create(t, c.path+"dependencies/", fmt.Sprintf(`{"predecessor_id":%q,"successor_id":%q}`, from, to))["id"].(string)
}

var collections = []string{"projects", "tasks", "dependencies", "calendars", "memberships"}

// A replica is a client's copy of a project: rows by collection and id, and the
// timestamp of the last pull.
type replica struct {
	rows map[string]map[string]members
	mark int64
}

func newReplica() *replica {
	c := &replica{rows: map[string]map[string]members{}}
	for _, name := range collections {
		c.rows[name] = map[string]members{}
	}
	return c
}

// apply adds a page to the replica. It returns the cursor, "" after the last page.
func (c *replica) apply(t *testing.T, v members) string {
	t.Helper()
	changes, _ := v["changes"].(members)
	if len(changes) != len(collections) {
		t.Fatalf("changes of %d collections: %v", len(changes), v)
	}
	for _, name := range collections {
		lists, _ := changes[name].(members)
		created, ok1 := lists["created"].([]any)
		updated, ok2 := lists["updated"].([]any)
		deleted, ok3 := lists["deleted"].([]any)
		if !ok1 || !ok2 || !ok3 || len(created) != 0 {
			t.Fatalf("%s: created must be an empty array, and the others arrays: %v", name, lists)
		}
		for _, row := range updated {
			c.rows[name][row.(members)["id"].(string)] = row.(members)
		}
		for _, id := range deleted {
			delete(c.rows[name], id.(string))
		}
	}
	c.mark = number(t, v["timestamp"])
	next, _ := v["next_cursor"].(string)
	if v["next_cursor"] != nil && next == "" {
		t.Fatalf("next_cursor is %v", v["next_cursor"])
	}
	return next
}

// pull pulls everything since the replica's mark in pages of that size, the default one
// if 0. It returns the number of pages.
func (p *person) pull(t *testing.T, path string, c *replica, pageSize int) (pages int) {
	t.Helper()
	since, cursor := c.mark, ""
	for {
		cursor = c.apply(t, p.page(t, path, since, cursor, pageSize))
		if pages++; cursor == "" {
			return pages
		}
		if pages > 10_000 {
			t.Fatal("the pages do not end")
		}
	}
}

func (p *person) page(t *testing.T, path string, since int64, cursor string, pageSize int) members {
	t.Helper()
	query := url.Values{"since": {fmt.Sprint(since)}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	if pageSize > 0 {
		query.Set("page_size", fmt.Sprint(pageSize))
	}
	return p.ask(t, "GET", path+"sync/?"+query.Encode(), "").json(t, 200)
}

// upload uploads tasks as JSON lists.
func (p *person) upload(t *testing.T, path, batch, created, updated, deleted string) answer {
	t.Helper()
	list := func(s string) string { return "[" + s + "]" }
	return p.ask(t, "POST", path+"sync/", fmt.Sprintf(`{"client_batch_id":%q,"last_pulled_at":0,"changes":{"tasks":{"created":%s,"updated":%s,"deleted":%s}}}`,
		batch, list(created), list(updated), list(deleted)))
}

// uuid returns a random UUID.
func uuid() string {
	h := strings.Map(func(r rune) rune { return rune("0123456789abcdef"[r%16]) }, newID("")+newID("")+newID(""))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
}

func keys(m members) []string {
	list := []string{}
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
