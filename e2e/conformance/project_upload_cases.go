package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

var projectUploadCases = []projectCase{
	{"created_updated_and_deleted_are_applied_and_reported", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		child := c.task(t, "child", fmt.Sprintf(`"parent_id":%q`, b))
		n, m, batch := uuid(), uuid(), uuid()
		v := c.scheduler.upload(t, c.path, batch,
			fmt.Sprintf(`{"id":%q,"name":"N","parent_id":%q},{"id":%q,"name":"M"}`, n, m, m),
			fmt.Sprintf(`{"id":%q,"percent_complete":50}`, a), fmt.Sprintf("%q", b)).json(t, 200)
		want := parse(t, fmt.Appendf(nil, `{"client_batch_id":%q,"applied":{"tasks":{"created":[{"id":%q,"server_version":1},{"id":%q,"server_version":1}],
			"updated":[{"id":%q,"server_version":2}],"deleted":[{"id":%q,"server_version":2}]}},"skipped":{"tasks":[]}}`, batch, n, m, a, b)).(members)
		mark := number(t, v["timestamp"])
		delete(v, "timestamp")
		if fmt.Sprint(v) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", v, want)
		}
		got := newReplica()
		c.viewer.pull(t, c.path, got, 0)
		if got.mark != mark {
			t.Errorf("the mark is %d, the answer's timestamp %d", got.mark, mark)
		}
		tasks := got.rows["tasks"]
		if len(tasks) != 3 || tasks[n]["parent_id"] != m || tasks[a]["percent_complete"] != json.Number("50") || tasks[child] != nil {
			t.Errorf("got %v", tasks)
		}
	}},
	{"a_retry_returns_the_stored_response_of_the_same_caller_and_project", func(t *testing.T, w *world) {
		c, other := w.crew(t), w.crew(t)
		batch, id := uuid(), uuid()
		row := fmt.Sprintf(`{"id":%q,"name":"first"}`, id)
		first := c.member.upload(t, c.path, batch, row, "", "")
		first.json(t, 200)
		c.owner.patch(t, c.path+"tasks/"+id+"/", `{"name":"newer"}`)
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		for range 3 {
			if again := c.member.upload(t, c.path, batch, row, "", ""); again.status != 200 || !bytes.Equal(again.body, first.body) {
				t.Errorf("got %v, want %v", again, first)
			}
		}
		wantSame(t, c, before)
		// The id is the caller's and the project's own.
		c.scheduler.upload(t, c.path, batch, fmt.Sprintf(`{"id":%q,"name":"another"}`, uuid()), "", "").json(t, 200)
		other.owner.upload(t, other.path, batch, fmt.Sprintf(`{"id":%q,"name":"another"}`, uuid()), "", "").json(t, 200)
	}},
	{"a_retry_returns_the_stored_response_after_the_role_became_too_low", func(t *testing.T, w *world) {
		c := w.crew(t)
		p := w.person(newID("user"))
		membership := c.join(t, p, "Member")
		batch, row := uuid(), fmt.Sprintf(`{"id":%q,"name":"T"}`, uuid())
		first := p.upload(t, c.path, batch, row, "", "")
		first.json(t, 200)
		c.owner.patch(t, c.path+"memberships/"+membership+"/", `{"role":"Viewer"}`)
		if again := p.upload(t, c.path, batch, row, "", ""); again.status != 200 || !bytes.Equal(again.body, first.body) {
			t.Errorf("got %v, want %v", again, first)
		}
		p.upload(t, c.path, uuid(), row, "", "").wantProblem(t, 403, "role_too_low")
		c.remove(t, p, membership)
		p.upload(t, c.path, batch, row, "", "").wantProblem(t, 403, "membership_revoked")
	}},
	{"a_retry_of_20_at_once_is_applied_once", func(t *testing.T, w *world) {
		c := w.crew(t)
		batch, id := uuid(), c.task(t, "T")
		race(20, func(int) {
			if a := c.owner.upload(t, c.path, batch, "", fmt.Sprintf(`{"id":%q,"name":"U"}`, id), ""); a.status != 200 {
				t.Error(a)
			}
		})
		if row := c.viewer.ask(t, "GET", c.path+"tasks/"+id+"/", "").json(t, 200); row["server_version"] != json.Number("2") {
			t.Errorf("applied more than once: %v", row)
		}
	}},
	{"only_tasks_can_be_uploaded", func(t *testing.T, w *world) {
		c := w.crew(t)
		for _, name := range []string{"projects", "dependencies", "calendars", "memberships", "nope"} {
			body := fmt.Sprintf(`{"client_batch_id":%q,"last_pulled_at":0,"changes":{%q:{"created":[],"updated":[],"deleted":[]}}}`, uuid(), name)
			c.owner.ask(t, "POST", c.path+"sync/", body).wantProblem(t, 400, "invalid_input", "changes."+name)
		}
	}},
	{"an_upload_is_stored_whole_or_not_at_all", func(t *testing.T, w *world) {
		c, other := w.crew(t), w.crew(t)
		a, b := c.task(t, "A"), c.task(t, "B")
		theirs := other.task(t, "theirs")
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		good := fmt.Sprintf(`{"id":%q,"name":"new"}`, uuid())
		change := fmt.Sprintf(`{"id":%q,"name":"changed"}`, a)
		for _, e := range []struct {
			created, updated, deleted string
			status                    int
			code, field               string
		}{
			{good + `,{"id":"x","name":""}`, change, "", 400, "invalid_input", "changes.tasks.created[1].name"},
			{good, change + fmt.Sprintf(`,{"id":%q,"parent_id":"nobody"}`, b), "", 400, "invalid_reference", "changes.tasks.updated[1].parent_id"},
			{good, change + fmt.Sprintf(`,{"id":%q,"parent_id":%q}`, b, b), "", 409, "parent_cycle", "changes.tasks.updated[1].parent_id"},
			{good + `,{"id":"` + theirs + `","name":"x"}`, change, "", 409, "id_taken", "changes.tasks.created[1].id"},
			{good, change + `,{"id":"` + theirs + `","name":"x"}`, "", 409, "id_taken", "changes.tasks.updated[1].id"},
			{good, change, fmt.Sprintf("%q,%q", b, theirs), 409, "id_taken", "changes.tasks.deleted[1].id"},
			{good, change + `,{"id":"unknown","name":"x"}`, "", 404, "not_found", "changes.tasks.updated[1].id"},
			{good, change + fmt.Sprintf(`,{"id":%q,"server_version":9,"name":"x"}`, b), "", 400, "version_ahead", "changes.tasks.updated[1].server_version"},
		} {
			c.owner.upload(t, c.path, uuid(), e.created, e.updated, e.deleted).wantProblem(t, e.status, e.code, e.field)
		}
		wantSame(t, c, before)
	}},
	{"an_upload_follows_the_rules_of_REST_for_the_same_caller", func(t *testing.T, w *world) {
		c := w.crew(t)
		mine := c.task(t, "mine", fmt.Sprintf(`"assignee_id":%q`, c.member.name))
		free, theirs := c.task(t, "free"), c.task(t, "theirs", fmt.Sprintf(`"assignee_id":%q`, c.scheduler.name))
		planned := c.task(t, "planned", `"planned_start":"2026-01-01"`)
		update := func(p *person, id, set string) answer {
			return p.upload(t, c.path, uuid(), "", fmt.Sprintf(`{"id":%q,%s}`, id, set), "")
		}
		for _, id := range []string{mine, free, planned} {
			update(c.member, id, `"name":"changed"`).json(t, 200)
		}
		update(c.member, theirs, `"name":"changed"`).wantProblem(t, 403, "role_too_low")
		update(c.scheduler, mine, `"name":"changed again"`).json(t, 200)
		update(c.member, free, `"planned_start":"2026-02-02"`).wantProblem(t, 403, "role_too_low", "changes.tasks.updated[0].planned_start")
		update(c.member, planned, `"planned_start":"2026-01-01"`).json(t, 200) // as it is
		update(c.scheduler, free, `"planned_start":"2026-02-02"`).json(t, 200)
		c.member.upload(t, c.path, uuid(), `{"id":"`+uuid()+`","name":"T","planned_start":"2026-02-02"}`, "", "").wantProblem(t, 403, "role_too_low")
		c.member.upload(t, c.path, uuid(), "", "", fmt.Sprintf("%q", mine)).wantProblem(t, 403, "role_too_low")
		c.viewer.upload(t, c.path, uuid(), "", "", "").wantProblem(t, 403, "role_too_low")
		c.stranger.upload(t, c.path, uuid(), "", "", "").wantProblem(t, 404, "not_found")
	}},
	{"an_upload_has_at_most_500_rows", func(t *testing.T, w *world) {
		c := w.crew(t)
		rows := func(n int) string {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf(`{"id":%q,"name":"T"}`, fmt.Sprintf("%s.%d", c.id, i)))
			}
			return strings.Join(list, ",")
		}
		c.owner.upload(t, c.path, uuid(), rows(500), "", `"x"`).wantProblem(t, 400, "invalid_input", "changes.tasks")
		v := c.owner.upload(t, c.path, uuid(), rows(500), "", "").json(t, 200)
		if n := len(at(v, "applied", "tasks", "created").([]any)); n != 500 {
			t.Errorf("%d created", n)
		}
		v = c.owner.upload(t, c.path, uuid(), rows(500), "", "").json(t, 200)
		if n := len(at(v, "applied", "tasks", "updated").([]any)); n != 500 {
			t.Errorf("%d updated", n)
		}
	}},
	{"a_created_row_with_a_known_id_is_an_update", func(t *testing.T, w *world) {
		c := w.crew(t)
		id := c.task(t, "first", `"notes":"stay"`)
		v := c.owner.upload(t, c.path, uuid(), fmt.Sprintf(`{"id":%q,"name":"second","_status":"created","_changed":""}`, id), "", "").json(t, 200)
		if at(v, "applied", "tasks", "updated", 0, "id") != id {
			t.Errorf("got %v", v)
		}
		wantMembers(t, c.viewer.ask(t, "GET", c.path+"tasks/"+id+"/", "").json(t, 200), `{"name":"second","notes":"stay","server_version":2}`)
	}},
	{"a_deleted_row_is_skipped_and_reported", func(t *testing.T, w *world) {
		c := w.crew(t)
		a, b, d, live := c.task(t, "A"), c.task(t, "B"), c.task(t, "D"), c.task(t, "live")
		for _, id := range []string{a, b, d} {
			c.owner.remove(t, c.path+"tasks/"+id+"/")
		}
		v := c.owner.upload(t, c.path, uuid(), fmt.Sprintf(`{"id":%q,"name":"again"}`, a),
			fmt.Sprintf(`{"id":%q,"name":"again"},{"id":%q,"name":"changed"}`, b, live), fmt.Sprintf(`%q,"unknown"`, d)).json(t, 200)
		wantIDs(t, at(v, "skipped", "tasks"), a, b, d, "unknown")
		wantIDs(t, at(v, "applied", "tasks", "updated"), live)
		if n := len(at(v, "applied", "tasks", "created").([]any)) + len(at(v, "applied", "tasks", "deleted").([]any)); n != 0 {
			t.Errorf("got %v", v)
		}
		got := newReplica()
		c.viewer.pull(t, c.path, got, 0)
		if len(got.rows["tasks"]) != 1 {
			t.Errorf("a deleted row lives: %v", got.rows["tasks"])
		}
	}},
	{"a_row_in_WatermelonDBs_form_conflicts_like_a_patch_on_a_base", func(t *testing.T, w *world) {
		c := w.crew(t)
		id := c.task(t, "first", `"notes":"n"`)
		c.owner.patch(t, c.path+"tasks/"+id+"/", `{"name":"theirs","status":"done"}`)
		// The client changed notes of version 1; its other columns are old.
		raw := fmt.Sprintf(`{"id":%q,"server_version":1,"name":"first","notes":"mine","status":"not_started","percent_complete":0,"_status":"updated","_changed":"notes"}`, id)
		c.owner.upload(t, c.path, uuid(), "", raw, "").json(t, 200)
		wantMembers(t, c.viewer.ask(t, "GET", c.path+"tasks/"+id+"/", "").json(t, 200), `{"name":"theirs","status":"done","notes":"mine"}`)
		p := c.owner.upload(t, c.path, uuid(), "", strings.Replace(strings.Replace(raw, `"_changed":"notes"`, `"_changed":"notes,name"`, 1), `"first"`, `"ours"`, 1), "").
			wantProblem(t, 409, "sync_conflict", "changes.tasks.updated[0]")
		wantMembers(t, p, fmt.Sprintf(`{"id":%q,"conflict_fields":["name"],"server_value":{"name":"theirs"},"client_value":{"name":"ours"},"server_version":3}`, id))
	}},
	{"bad_input_names_the_row_and_the_field", func(t *testing.T, w *world) {
		c := w.crew(t)
		before := newReplica()
		c.viewer.pull(t, c.path, before, 0)
		row := func(set string) string {
			return fmt.Sprintf(`{"client_batch_id":%q,"changes":{"tasks":{"created":[{"id":"a","name":"T"},%s],"updated":[],"deleted":[]}}}`, uuid(), set)
		}
		for _, e := range [][2]string{
			{``, "body"}, {`[]`, "body"}, {`{`, "body"}, {"\xff", "body"}, {`{}`, "client_batch_id"}, {`{}`, "changes"},
			{`{"client_batch_id":5}`, "client_batch_id"}, {`{"client_batch_id":"x"}`, "client_batch_id"}, {`{"nope":1}`, "nope"},
			{`{"last_pulled_at":"x"}`, "last_pulled_at"}, {`{"last_pulled_at":-1}`, "last_pulled_at"}, {`{"last_pulled_at":1.5}`, "last_pulled_at"}, {`{"last_pulled_at":9007199254740992}`, "last_pulled_at"},
			{`{"changes":[]}`, "changes"}, {`{"changes":null}`, "changes"}, {`{"changes":{"tasks":5}}`, "changes.tasks"},
			{`{"changes":{"tasks":{"nope":[]}}}`, "changes.tasks.nope"}, {`{"changes":{"tasks":{"created":{}}}}`, "changes.tasks.created"},
			{`{"changes":{"tasks":{"deleted":null}}}`, "changes.tasks.deleted"},
			{`{"changes":{"tasks":{"deleted":[5]}}}`, "changes.tasks.deleted[0]"}, {`{"changes":{"tasks":{"deleted":["a","a"]}}}`, "changes.tasks.deleted[1].id"},
			{row(`5`), "changes.tasks.created[1]"}, {row(`{"name":"x"}`), "changes.tasks.created[1].id"}, {row(`{"id":7,"name":"x"}`), "changes.tasks.created[1].id"},
			{row(`{"id":"b"}`), "changes.tasks.created[1].name"}, {row(`{"id":"b","name":7}`), "changes.tasks.created[1].name"},
			{row(`{"id":"a","name":"x"}`), "changes.tasks.created[1].id"}, {row(`{"id":"b","name":"x","nope":1}`), "changes.tasks.created[1].nope"},
			{row(`{"id":"b","name":"x","server_version":"1"}`), "changes.tasks.created[1].server_version"},
			{row(`{"id":"b","name":"x","server_version":-1}`), "changes.tasks.created[1].server_version"},
			{row(`{"id":"b","name":"x","_changed":5}`), "changes.tasks.created[1]._changed"},
			{row(`{"id":"b","name":"x","percent_complete":101}`), "changes.tasks.created[1].percent_complete"},
		} {
			c.owner.ask(t, "POST", c.path+"sync/", e[0]).wantProblem(t, 400, "invalid_input", e[1])
		}
		c.owner.ask(t, "POST", c.path+"sync/", `{"client_batch_id":"`+strings.Repeat("x", 2_000_000)+`"}`).wantProblem(t, 413, "payload_too_large")
		wantSame(t, c, before)
	}},
}
