package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/project"
)

// A deed is something that the role table speaks of. Prepare makes what it
// needs, as the Owner, and answers the request, which succeeds for whoever
// may do it.
type deed struct {
	operation string // of the OpenAPI document
	name      string
	least     string // the role, as the contract's section 6 has it
	prepare   func(t *testing.T, c *crew) (method, path, body string)
}

// fixed is a request that needs nothing to be made.
func fixed(method, path, body string) func(*testing.T, *crew) (string, string, string) {
	return func(_ *testing.T, c *crew) (string, string, string) { return method, c.path + path, body }
}

// on is a request about a row that was made by create in that collection.
func on(method, collection, body string, create func(t *testing.T, c *crew) string) func(*testing.T, *crew) (string, string, string) {
	return func(t *testing.T, c *crew) (string, string, string) {
		return method, c.path + collection + "/" + create(t, c) + "/", body
	}
}

func aTask(more ...string) func(t *testing.T, c *crew) string {
	return func(t *testing.T, c *crew) string { return c.task(t, "T", more...) }
}

func aLink(t *testing.T, c *crew) string { return c.link(t, c.task(t, "A"), c.task(t, "B")) }

func aCalendar(t *testing.T, c *crew) string {
	return c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)["id"].(string)
}

func aMembership(role string) func(t *testing.T, c *crew) string {
	return func(t *testing.T, c *crew) string { return c.join(t, c.person(newID("user")), role) }
}

func anUpload(list, row string) func(t *testing.T, c *crew) (string, string, string) {
	return func(t *testing.T, c *crew) (string, string, string) {
		id := c.task(t, "T", fmt.Sprintf(`"assignee_id":%q`, c.viewer.name))
		if list == "created" {
			id = uuid()
		}
		return "POST", c.path + "sync/", fmt.Sprintf(`{"client_batch_id":%q,"changes":{"tasks":{%q:[%s]}}}`, uuid(), list, strings.ReplaceAll(row, "ID", id))
	}
}

// deeds are the contract's section 6, row by row, and every operation.
var deeds = []deed{
	{"pull", "pull", "Viewer", fixed("GET", "sync/?since=0", "")},
	{"getProject", "read the project", "Viewer", fixed("GET", "", "")},
	{"listTasks", "read", "Viewer", fixed("GET", "tasks/", "")},
	{"listDependencies", "read", "Viewer", fixed("GET", "dependencies/", "")},
	{"listCalendars", "read", "Viewer", fixed("GET", "calendars/", "")},
	{"listMemberships", "read", "Viewer", fixed("GET", "memberships/", "")},
	{"getTask", "read", "Viewer", on("GET", "tasks", "", aTask())},
	{"getDependency", "read", "Viewer", on("GET", "dependencies", "", aLink)},
	{"getCalendar", "read", "Viewer", on("GET", "calendars", "", aCalendar)},
	{"getMembership", "read", "Viewer", on("GET", "memberships", "", aMembership("Viewer"))},
	{"subscribe", "subscribe", "Viewer", fixed("GET", "subscribe", "")},

	{"createTask", "create tasks", "Member", fixed("POST", "tasks/", `{"name":"T"}`)},
	{"updateTask", "edit unassigned tasks", "Member", on("PATCH", "tasks", `{"name":"U"}`, aTask())},
	{"upload", "upload nothing", "Member", anUpload("created", "")},
	{"upload", "upload new tasks", "Member", anUpload("created", `{"id":"ID","name":"T"}`)},

	{"updateTask", "edit tasks of others", "Scheduler", on("PATCH", "tasks", `{"name":"U"}`, func(t *testing.T, c *crew) string {
		return c.task(t, "T", fmt.Sprintf(`"assignee_id":%q`, c.viewer.name))
	})},
	{"updateTask", "change planned dates", "Scheduler", on("PATCH", "tasks", `{"planned_start":"2026-03-01"}`, aTask())},
	{"createTask", "set planned dates", "Scheduler", fixed("POST", "tasks/", `{"name":"T","planned_start":"2026-03-01"}`)},
	{"deleteTask", "delete tasks", "Scheduler", on("DELETE", "tasks", "", aTask())},
	{"upload", "upload changes of tasks of others", "Scheduler", anUpload("updated", `{"id":"ID","name":"U"}`)},
	{"upload", "upload deletions", "Scheduler", anUpload("deleted", `"ID"`)},
	{"createDependency", "dependencies", "Scheduler", func(t *testing.T, c *crew) (string, string, string) {
		return "POST", c.path + "dependencies/", fmt.Sprintf(`{"predecessor_id":%q,"successor_id":%q}`, c.task(t, "A"), c.task(t, "B"))
	}},
	{"updateDependency", "dependencies", "Scheduler", on("PATCH", "dependencies", `{"lag_days":1}`, aLink)},
	{"deleteDependency", "dependencies", "Scheduler", on("DELETE", "dependencies", "", aLink)},
	{"createCalendar", "calendars", "Scheduler", fixed("POST", "calendars/", `{"name":"C"}`)},
	{"updateCalendar", "calendars", "Scheduler", on("PATCH", "calendars", `{"name":"D"}`, aCalendar)},
	{"deleteCalendar", "calendars", "Scheduler", on("DELETE", "calendars", "", aCalendar)},

	{"updateProject", "edit the project", "Admin", fixed("PATCH", "", `{"name":"P"}`)},
	{"createMembership", "add members up to Admin", "Admin", newMember("Admin")},
	{"updateMembership", "change members up to Admin", "Admin", on("PATCH", "memberships", `{"role":"Admin"}`, aMembership("Viewer"))},
	{"deleteMembership", "remove members up to Admin", "Admin", on("DELETE", "memberships", "", aMembership("Admin"))},

	{"createMembership", "add Owners", "Owner", newMember("Owner")},
	{"updateMembership", "make Owners", "Owner", on("PATCH", "memberships", `{"role":"Owner"}`, aMembership("Admin"))},
	{"updateMembership", "demote Owners", "Owner", on("PATCH", "memberships", `{"role":"Viewer"}`, aMembership("Owner"))},
	{"deleteMembership", "remove Owners", "Owner", on("DELETE", "memberships", "", aMembership("Owner"))},
	{"deleteProject", "delete the project", "Owner", fixed("DELETE", "", "")},
}

func newMember(role string) func(t *testing.T, c *crew) (string, string, string) {
	return func(t *testing.T, c *crew) (string, string, string) {
		return "POST", c.path + "memberships/", fmt.Sprintf(`{"user_id":%q,"role":%q}`, newID("user"), role)
	}
}

var projectRoleCases = []projectCase{
	{"the_matrix_has_every_operation", func(t *testing.T, w *world) {
		doc := w.person("anyone").do(t, "GET", v1+"/openapi.json", "").json(t, 200)
		var missing []string
		for path, operations := range doc["paths"].(members) {
			if !strings.HasPrefix(path, v1+"/projects/{project_id}") {
				continue
			}
			for method, operation := range operations.(members) {
				id, _ := at(operation, "operationId").(string)
				if method != "parameters" && !slices.ContainsFunc(deeds, func(d deed) bool { return d.operation == id }) {
					missing = append(missing, id)
				}
			}
		}
		if len(missing) > 0 {
			t.Errorf("no deed for %q", missing)
		}
	}},
	{"the_table_of_actions_is_that_of_the_protocol", func(t *testing.T, w *world) {
		want := map[project.Action]project.Role{
			project.Read: project.Viewer, project.CreateTasks: project.Member, project.EditOwnTasks: project.Member,
			project.EditTasks: project.Scheduler, project.PlanTasks: project.Scheduler, project.DeleteTasks: project.Scheduler,
			project.EditNetwork: project.Scheduler, project.EditCalendars: project.Scheduler, project.EditProject: project.Admin,
			project.ChangeMembers: project.Admin, project.ChangeOwners: project.Owner, project.DeleteProject: project.Owner,
		}
		for _, a := range project.Actions {
			if a.Needs() != want[a] {
				t.Errorf("%s needs %s, want %s", a, a.Needs(), want[a])
			}
		}
	}},
	{"a_role_that_may_not_write_gets_that_error_first", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, to := range [][2]string{
			{"PATCH", ""}, {"POST", "tasks/"}, {"PATCH", "tasks/" + c.task(t, "T") + "/"}, {"POST", "dependencies/"},
			{"POST", "calendars/"}, {"POST", "memberships/"}, {"POST", "sync/"},
		} {
			for _, body := range []string{"", "{}", `{"nope":1}`} {
				c.stranger.ask(t, to[0], c.path+to[1], body).wantProblem(t, 404, "not_found")
				c.removed.ask(t, to[0], c.path+to[1], body).wantProblem(t, 403, "membership_revoked")
				c.viewer.ask(t, to[0], c.path+to[1], body).wantProblem(t, 403, "role_too_low")
				c.owner.ask(t, to[0], c.path+to[1], body).wantProblem(t, 400, "invalid_input")
			}
		}
	}},
	{"every_deed_by_every_role_and_nobody_else", func(t *testing.T, w *world) {
		c, foreign := w.crew(t), w.crew(t)
		for _, d := range deeds {
			least := slices.Index(roles, d.least)
			for i, role := range roles {
				if d.operation == "deleteProject" && role == "Owner" {
					continue // last, below
				}
				method, path, body := d.prepare(t, c)
				a := c.byRole[role].ask(t, method, path, body)
				switch {
				case i < least:
					if a.wantProblem(t, 403, "role_too_low"); t.Failed() {
						t.Fatalf("%s as %s: %v", d.name, role, a)
					}
				case d.operation == "subscribe":
					a.wantProblem(t, 426, "upgrade_required")
				case a.status >= 300:
					t.Fatalf("%s as %s: %v", d.name, role, a)
				}
			}
			method, path, body := d.prepare(t, c)
			c.stranger.ask(t, method, path, body).wantProblem(t, 404, "not_found")
			foreign.owner.ask(t, method, path, body).wantProblem(t, 404, "not_found") // an Owner elsewhere
			c.removed.ask(t, method, path, body).wantProblem(t, 403, "membership_revoked")
			if t.Failed() {
				t.Fatalf("%s", d.name)
			}
		}
		c.owner.remove(t, c.path)
	}},
	{"a_member_edits_tasks_assigned_to_them", func(t *testing.T, w *world) {
		c := w.crew(t)
		task := c.path + "tasks/" + c.task(t, "T", fmt.Sprintf(`"assignee_id":%q`, c.member.name)) + "/"
		c.member.patch(t, task, `{"status":"done"}`)
		c.owner.patch(t, task, fmt.Sprintf(`{"assignee_id":%q}`, c.viewer.name))
		c.member.ask(t, "PATCH", task, `{"status":"blocked"}`).wantProblem(t, 403, "role_too_low")
		c.member.ask(t, "PATCH", task, fmt.Sprintf(`{"assignee_id":%q}`, c.member.name)).wantProblem(t, 403, "role_too_low")
	}},
	{"a_project_always_keeps_an_Owner", func(t *testing.T, w *world) {
		c := w.crew(t)
		var first string
		for _, m := range c.owner.ask(t, "GET", c.path+"memberships/", "").json(t, 200)["results"].([]any) {
			if at(m, "role") == "Owner" {
				first = at(m, "id").(string)
			}
		}
		one := c.path + "memberships/" + first + "/"
		c.owner.ask(t, "DELETE", one, "").wantProblem(t, 409, "last_owner")
		c.owner.ask(t, "PATCH", one, `{"role":"Admin"}`).wantProblem(t, 409, "last_owner")
		c.owner.patch(t, one, `{"role":"Owner"}`)
		// Two Owners who remove each other at once: one stays.
		second := w.person(newID("owner"))
		two := c.path + "memberships/" + c.join(t, second, "Owner") + "/"
		race(2, func(i int) {
			if i == 0 {
				c.owner.ask(t, "DELETE", two, "")
			} else {
				second.ask(t, "DELETE", one, "")
			}
		})
		got := newReplica()
		c.viewer.pull(t, c.path, got, 0)
		owners := 0
		for _, m := range got.rows["memberships"] {
			if m["role"] == "Owner" {
				owners++
			}
		}
		if owners != 1 {
			t.Errorf("%d Owners", owners)
		}
	}},
	{"the_creator_of_a_project_becomes_its_Owner", func(t *testing.T, w *world) {
		p := w.person(newID("maker"))
		id := p.create(t, "/projects/", `{"name":"P"}`)["id"].(string)
		list := p.ask(t, "GET", "/projects/"+id+"/memberships/", "").json(t, 200)["results"].([]any)
		if len(list) != 1 || at(list, 0, "user_id") != p.name || at(list, 0, "role") != "Owner" {
			t.Errorf("got %v", list)
		}
	}},
	{"a_user_is_a_member_once", func(t *testing.T, w *world) {
		c := w.crew(t)
		body := fmt.Sprintf(`{"user_id":%q,"role":"Viewer"}`, c.member.name)
		c.owner.ask(t, "POST", c.path+"memberships/", body).wantProblem(t, 409, "already_member", "user_id")
	}},
}
