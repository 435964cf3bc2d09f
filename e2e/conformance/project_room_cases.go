package conformance

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

// listen subscribes to the project and reads the hello.
func (p *person) listen(t *testing.T, path string) (socket, int64) {
	t.Helper()
	conn, _, err := p.dial(v1+path+"subscribe", http.Header{"Authorization": {"Bearer " + p.bearer()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	s := socket{conn}
	v := parse(t, s.read(t))
	if at(v, "type") != "hello" || at(v, "table") != "*" {
		t.Fatalf("not a hello: %v", v)
	}
	return s, number(t, at(v, "timestamp"))
}

// hears reads the next message about the table.
func (s socket) hears(t *testing.T, table string) int64 {
	t.Helper()
	for {
		v := parse(t, s.read(t))
		if at(v, "type") != "change" {
			t.Fatalf("not a change: %v", v)
		}
		if at(v, "table") == table {
			return number(t, at(v, "timestamp"))
		}
	}
}

var projectRoomCases = []projectCase{
	{"a_change_is_sent_after_its_commit", func(t *testing.T, w *world) {
		c := w.crew(t)
		s, mark := c.viewer.listen(t, c.path)
		if got := number(t, c.viewer.page(t, c.path, 0, "", 0)["timestamp"]); got != mark {
			t.Errorf("hello says %d, the mark is %d", mark, got)
		}
		a := c.task(t, "A")
		told := s.hears(t, "tasks")
		v := c.viewer.page(t, c.path, mark, "", 0)
		if at(v, "changes", "tasks", "updated", 0, "id") != a || number(t, v["timestamp"]) < told {
			t.Errorf("told %d, pulled %v", told, v)
		}
		b := c.task(t, "B")
		c.link(t, a, b)
		s.hears(t, "dependencies")
		c.owner.create(t, c.path+"calendars/", `{"name":"C"}`)
		s.hears(t, "calendars")
		c.owner.patch(t, c.path, `{"name":"P"}`)
		s.hears(t, "projects")
		c.join(t, c.stranger, "Viewer")
		s.hears(t, "memberships")
		c.owner.remove(t, c.path+"tasks/"+a+"/") // takes the dependency along
		s.hears(t, "dependencies")
		c.owner.upload(t, c.path, uuid(), fmt.Sprintf(`{"id":%q,"name":"N"}`, uuid()), "", "").json(t, 200)
		s.hears(t, "tasks")
	}},
	{"a_project_has_its_own_room", func(t *testing.T, w *world) {
		c, other := w.crew(t), w.crew(t)
		s, mark := c.viewer.listen(t, c.path)
		other.task(t, "theirs")
		other.owner.create(t, other.path+"calendars/", `{"name":"C"}`)
		c.owner.patch(t, c.path, `{"name":"P"}`)
		v := parse(t, s.read(t))
		for number(t, at(v, "timestamp")) <= mark { // what came before may still be told
			v = parse(t, s.read(t))
		}
		if at(v, "table") != "projects" {
			t.Errorf("heard %v", v)
		}
	}},
	{"only_members_subscribe", func(t *testing.T, w *world) {
		c := w.crew(t)
		for p, status := range map[*person]int{c.stranger: 404, c.removed: 403} {
			p.wantRefused(t, status, v1+c.path+"subscribe", http.Header{"Authorization": {"Bearer " + p.bearer()}})
		}
	}},
	{"a_removed_member_is_disconnected", func(t *testing.T, w *world) {
		c := w.crew(t)
		leaver := w.person(newID("leaver"))
		membership := c.join(t, leaver, "Member")
		s, _ := leaver.listen(t, c.path)
		stays, _ := c.viewer.listen(t, c.path)
		c.remove(t, leaver, membership)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for {
			if _, _, err := s.Read(ctx); err != nil {
				if code := websocket.CloseStatus(err); code != 4403 {
					t.Errorf("closed with %d: %v", code, err)
				}
				break
			}
		}
		stays.hears(t, "memberships")
		c.task(t, "T")
		stays.hears(t, "tasks")
	}},
}
