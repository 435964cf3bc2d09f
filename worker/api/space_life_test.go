//go:build !js

package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/worker/store/spaces"
)

// S9, S5: the directory lists a space before the request that made it is answered. If that
// fails, an alarm lists it, also in another instance, and then there is no alarm any more.
func TestASpaceIsListedOrItsAlarmListsIt(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	if got := f.listed(); got != "acme" || !f.object("acme").alarm.IsZero() {
		t.Errorf("listed %q, the alarm is %v", got, f.object("acme").alarm)
	}
	for _, rebooted := range []bool{false, true} {
		name := fmt.Sprint("late-", rebooted)
		f.d1.broken = true
		f.push(name, "a")
		s := f.object(name)
		if rebooted {
			s = f.again(name)
		}
		if s.alarm.IsZero() || s.alarm.After(f.now.Add(time.Minute)) || s.program.Due().IsZero() {
			t.Errorf("the alarm is %v, and %v is due", s.alarm, s.program.Due())
		}
		if err := s.ring(); err != nil || s.alarm.IsZero() || s.program.Due().IsZero() {
			t.Errorf("an alarm that cannot list the space: %v; the next is %v, and %v is due", err, s.alarm, s.program.Due())
		}
		f.d1.broken = false
		for range 2 {
			if err := s.ring(); err != nil {
				t.Error(err)
			}
			if !strings.Contains(f.listed(), name) || !s.alarm.IsZero() || !s.program.Due().IsZero() {
				t.Errorf("listed %q, the alarm is %v, and %v is due", f.listed(), s.alarm, s.program.Due())
			}
		}
	}
	// The next request of a space that is not listed lists it, too.
	f.d1.broken = true
	f.push("later", "a")
	f.d1.broken = false
	f.again("later")
	f.pull("later", 0)
	if !strings.Contains(f.listed(), "later") {
		t.Errorf("listed %q", f.listed())
	}
}

// S5, S6: a space that was never written keeps its tickets and the places of its documents
// for an hour, and then nothing.
func TestASpaceThatIsNeverWrittenIsForgotten(t *testing.T) {
	f := newTown(t)
	ticket := f.ticket("acme")
	s := f.again("acme")
	if !s.program.Due().IsZero() && s.program.Due().Before(f.now.Add(30*time.Minute)) {
		t.Errorf("%v is due, it is %v", s.program.Due(), f.now)
	}
	conn := f.dial("/s/acme/sync/subscribe?ticket=" + ticket)
	f.hears(conn)
	for range 2 { // a subscriber waits for the first write
		due := s.alarm
		f.now = f.now.Add(time.Hour)
		if err := s.ring(); err != nil {
			t.Fatal(err)
		}
		if s.alarm.IsZero() || due.IsZero() || s.Tables() == 0 {
			t.Errorf("the alarm is %v, and there are %d tables", s.alarm, s.Tables())
		}
	}
	f.push("acme", "a")
	if change := f.hears(conn); !strings.Contains(change, "customers") {
		t.Error(change)
	}
	if f.listed() != "acme" || !s.alarm.IsZero() {
		t.Errorf("listed %q, the alarm is %v", f.listed(), s.alarm)
	}

	f.ticket("beta")
	f.now = f.now.Add(59 * time.Minute)
	s = f.again("beta") // an alarm may come before its time
	if err := s.ring(); err != nil || s.Tables() == 0 || !s.alarm.After(f.now) || s.alarm.After(f.now.Add(time.Minute)) {
		t.Errorf("%v: %d tables, the alarm is in %v", err, s.Tables(), s.alarm.Sub(f.now))
	}
	f.now = f.now.Add(time.Minute)
	if err := s.ring(); err != nil {
		t.Fatal(err)
	}
	if s.Tables() != 0 || !s.alarm.IsZero() || f.listed() != "acme" {
		t.Errorf("%d tables, the alarm is %v, listed %q", s.Tables(), s.alarm, f.listed())
	}
	f.push("beta", "a")
}

// A write that comes while the alarm of a space that was not written asks the rooms of its
// documents is not lost.
func TestTheAlarmDoesNotEraseASpaceThatIsMadeMeanwhile(t *testing.T) {
	f := newTown(t)
	f.ticket("acme")
	s := f.object("acme")
	f.stored("acme", abi.Statement{SQL: "INSERT INTO SpaceRooms VALUES ('r')"})
	f.now = f.now.Add(time.Hour)
	f.during = func() { s.meanwhile(func() { f.push("acme", "a") }) }
	if err := s.ring(); err != nil || f.during != nil || len(f.pull("acme", 0).Changes["customers"].Updated) != 1 {
		t.Error("the alarm erased a space", err)
	}
}

// The alarm of a space that was read in many documents may be cut off each time.
func TestAnAlarmThatIsCutOffHasForgottenSomeDocuments(t *testing.T) { // S5
	f := newTown(t)
	f.ticket("acme")
	f.stored("acme", abi.Statement{SQL: "INSERT INTO SpaceRooms VALUES ('r1'), ('r2'), ('r3')"})
	f.now = f.now.Add(time.Hour)
	s := f.object("acme")
	for range 3 {
		f.left = 1
		if err := s.ring(); err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(3 * time.Minute)
	}
	if s.Tables() != 0 || !s.alarm.IsZero() {
		t.Errorf("%d tables, the alarm is %v; called %v", s.Tables(), s.alarm, f.calls)
	}
}

// fill makes a space with documents and projects.
func (f *town) fill(name string) (rooms []string) {
	f.Helper()
	f.push(name, "a")
	var statements []abi.Statement
	for i := range 102 { // more than one page
		room := fmt.Sprintf("r%03d", i)
		table := []string{"SpaceRooms (Room)", "YjsRooms (RoomId)"}[i%2]
		statements = append(statements, abi.Statement{SQL: "INSERT INTO " + table + " VALUES (?1)", Args: []any{room}})
		rooms = append(rooms, "SPACE_YJS_ROOM "+name+"/"+room)
	}
	f.stored(name, statements...)
	for _, id := range []string{"p", "q"} {
		f.want(201, "POST", "/s/"+name+"/api/v1/projects/", f.in(name), fmt.Sprintf(`{"id":%q,"name":"P"}`, id))
		rooms = append(rooms, "SYNC_ROOM space/"+name+"/project/"+id)
	}
	f.want(204, "DELETE", "/s/"+name+"/api/v1/projects/q/", f.in(name), "") // it may have sockets
	slices.Sort(rooms)
	return rooms
}

// wantGone wants that nothing is left of a space.
func (f *town) wantGone(name string, calls, rooms []string) {
	f.Helper()
	slices.Sort(calls)
	if calls = slices.Compact(calls); !slices.Equal(calls, rooms) {
		f.Errorf("the rooms that were called are %d, want %d: %v", len(calls), len(rooms), calls)
	}
	s := f.object(name)
	if s.Tables() != 0 || !s.alarm.IsZero() || f.listed() != "other" {
		f.Errorf("%d tables, the alarm is %v, listed %q", s.Tables(), s.alarm, f.listed())
	}
	if v := f.pull(name, 0); v.Timestamp != 1 || len(v.Changes["customers"].Updated) > 0 {
		f.Errorf("the pull is %+v", v)
	}
	f.want(204, "DELETE", "/s/"+name, f.operator(name), "")
}

// S8.
func TestADeletedSpaceIsGone(t *testing.T) {
	f := newTown(t)
	f.push("other", "a")
	rooms := f.fill("acme")
	old := f.pull("acme", 0).Timestamp
	conn := f.dial("/s/acme/sync/subscribe?token=" + f.in("acme"))
	f.hears(conn)
	ticket := f.ticket("acme")
	f.want(403, "DELETE", "/s/acme", f.in("acme"), "", "spaces:admin") // A2
	f.want(403, "DELETE", "/s/acme", f.admin("acme"), "")
	if got := f.want(204, "DELETE", "/s/acme", f.operator("acme"), ""); got != "" {
		t.Errorf("got %q", got)
	}
	f.wantClosed(4404, conn)
	f.wantGone("acme", f.calls, rooms)
	f.wantClosed(4401, f.dial("/s/acme/sync/subscribe?ticket="+ticket))
	f.want(200, "GET", "/s/acme/api/v1/projects/", f.in("acme"), "", `"results":[]`)
	if len(f.pull("other", 0).Changes["customers"].Updated) != 1 {
		t.Error("another space lost its rows")
	}
	// A socket of a space that is not there is closed, too.
	waits := f.dial("/s/acme/sync/subscribe?token=" + f.in("acme"))
	f.hears(waits)
	f.want(204, "DELETE", "/s/acme", f.operator("acme"), "")
	f.wantClosed(4404, waits)

	// S7: who pulled before gets a replacement, before the next birth and after it.
	for range 2 {
		if v := f.pull("acme", old); v.ExperimentalStrategy != "replacement" {
			t.Errorf("the pull is %+v", v)
		}
		f.want(409, "POST", "/s/acme/trpc/sync.push", f.in("acme"), pushes("z", old))
		f.now = f.now.Add(time.Second)
		f.push("acme", "b")
	}
	if f.listed() != "acme other" {
		t.Errorf("listed %q", f.listed())
	}
}

// S8: a deletion that is cut off after any of its steps goes on by the alarm, also in another
// instance. Until then every other request gets 503.
func TestADeletionThatIsCutOffIsFinishedByTheAlarm(t *testing.T) {
	f := newTown(t)
	f.push("other", "a")
	for _, step := range []int{0, 1, 101, 103, 104} { // the rooms, the projects, the directory
		for _, rebooted := range []bool{false, true} {
			name := fmt.Sprintf("s%d-%v", step, rebooted)
			rooms := f.fill(name)
			f.calls, f.left = nil, step
			last := step >= len(rooms)
			f.d1.broken = last
			f.want(500, "DELETE", "/s/"+name, f.operator(name), "")
			s := f.object(name)
			if rebooted {
				s = f.again(name)
			}
			if s.alarm.IsZero() || s.program.Due().IsZero() {
				t.Errorf("step %d: the alarm is %v, and %v is due", step, s.alarm, s.program.Due())
			}
			for _, c := range [][2]string{
				{"GET", "/sync/pull"}, {"POST", "/trpc/sync.push"}, {"POST", "/auth/ticket"}, {"GET", "/api/v1/projects/"},
				{"DELETE", "/api/v1/projects/p/"}, {"DELETE", "/yjs/r000"}, {"GET", "/nowhere"},
			} {
				if status, answer, header := f.exchange(c[0], "/s/"+name+c[1], f.in(name), ""); status != 503 || header.Get("Retry-After") == "" {
					t.Errorf("step %d, %s %s: %d %s", step, c[0], c[1], status, answer)
				}
			}
			if err := s.ring(); err != nil || s.alarm.IsZero() || s.program.Due().IsZero() {
				t.Errorf("step %d: an alarm that cannot finish: %v; the next is %v, and %v is due", step, err, s.alarm, s.program.Due())
			}
			f.left, f.d1.broken = -1, false
			if err := s.ring(); err != nil {
				t.Errorf("step %d: %v", step, err)
			}
			f.wantGone(name, f.calls, rooms)
			f.push(name, "again")
			f.want(204, "DELETE", "/s/"+name, f.operator(name), "")
		}
	}
}

// S8: however often a deletion is cut off, it comes to its end.
func TestADeletionThatIsCutOffDoesNotBeginAnew(t *testing.T) {
	f := newTown(t)
	rooms := f.fill("acme")
	f.calls, f.left = nil, 101
	f.want(500, "DELETE", "/s/acme", f.operator("acme"), "")
	first := f.calls
	f.calls, f.left = nil, -1
	f.want(204, "DELETE", "/s/acme", f.operator("acme"), "")
	if len(first) != 101 || len(f.calls) >= len(rooms) || slices.Contains(f.calls, first[0]) {
		t.Errorf("of %d rooms the first try asked %d, and then %q", len(rooms), len(first), f.calls)
	}
}

// S8: the operator may repeat a deletion that was cut off.
func TestADeletionThatIsCutOffCanBeRepeated(t *testing.T) {
	f := newTown(t)
	f.push("other", "a")
	rooms := f.fill("acme")
	f.calls, f.left = nil, 50
	f.want(500, "DELETE", "/s/acme", f.operator("acme"), "")
	f.left = -1
	f.again("acme")
	f.want(204, "DELETE", "/s/acme", f.operator("acme"), "")
	f.wantGone("acme", f.calls, rooms)
}

// S8, S9: who deletes a space that is not there removes a name that is in the directory all
// the same. A space that is made meanwhile stays there.
func TestTheDeletionOfAnAbsentSpaceRemovesItsName(t *testing.T) {
	f := newTown(t)
	for _, name := range []string{"ghost", "made"} {
		if err := f.config.Directory.Add(t.Context(), spaces.Entry{Name: name, CreatedAt: 1}); err != nil {
			t.Fatal(err)
		}
	}
	f.want(204, "DELETE", "/s/ghost", f.operator("ghost"), "")
	if s := f.object("ghost"); f.listed() != "made" || s.Stored.Load() != 0 || !s.alarm.IsZero() {
		t.Errorf("listed %q, %d transactions, the alarm is %v", f.listed(), s.Stored.Load(), s.alarm)
	}
	f.d1.during = func() { f.object("made").meanwhile(func() { f.push("made", "a") }) }
	f.want(204, "DELETE", "/s/made", f.operator("made"), "")
	if f.listed() != "made" || len(f.pull("made", 0).Changes["customers"].Updated) != 1 {
		t.Errorf("listed %q", f.listed())
	}
}

// S8, S9: a space that is deleted while it is added to the directory does not stay there. If
// the deletion is cut off, its alarm goes on.
func TestASpaceThatIsDeletedWhileItIsListed(t *testing.T) {
	f := newTown(t)
	f.d1.during = func() {
		f.object("acme").meanwhile(func() { f.want(204, "DELETE", "/s/acme", f.operator("acme"), "") })
	}
	f.push("acme", "a")
	if s := f.object("acme"); f.listed() != "" || s.Tables() != 0 || !s.alarm.IsZero() {
		t.Errorf("listed %q, %d tables, the alarm is %v", f.listed(), s.Tables(), s.alarm)
	}
	f.d1.during = func() {
		f.object("beta").meanwhile(func() {
			f.d1.broken = true
			f.want(500, "DELETE", "/s/beta", f.operator("beta"), "")
			f.d1.broken = false
		})
	}
	f.push("beta", "a")
	s := f.object("beta")
	if s.alarm.IsZero() || s.program.Due().IsZero() {
		t.Errorf("the alarm is %v, and %v is due", s.alarm, s.program.Due())
	}
	if err := s.ring(); err != nil || f.listed() != "" || s.Tables() != 0 {
		t.Errorf("%v: listed %q, %d tables", err, f.listed(), s.Tables())
	}
	// Another space of the name, with another birth, is listed with its own.
	f.d1.during = func() {
		f.object("beta").meanwhile(func() {
			f.want(204, "DELETE", "/s/beta", f.operator("beta"), "")
			f.now = f.now.Add(time.Second)
			f.push("beta", "b")
		})
	}
	f.push("beta", "a")
	entries, err := f.config.Directory.List(t.Context(), "", "", 2)
	if err != nil || len(entries) != 1 || entries[0].CreatedAt != f.now.UnixMilli() || !s.alarm.IsZero() {
		t.Errorf("listed %v, %v at %d, the alarm is %v", entries, err, f.now.UnixMilli(), s.alarm)
	}
}

// A space that cannot read its own state serves nothing: it may be paused, or be deleted.
func TestASpaceThatCannotBeOpenedGets503(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	f.want(200, "POST", "/s/acme/pause", f.operator("acme"), "")
	s := f.again("acme")
	for _, broken := range []bool{true, false} {
		s.broken = broken
		message := map[bool]string{true: "cannot be opened", false: "paused"}[broken]
		f.want(503, "POST", "/s/acme/trpc/sync.push", f.in("acme"), pushes("b", 1), message)
		f.want(503, "POST", "/s/acme/auth/ticket", f.in("acme"), "", message)
		if broken {
			f.want(503, "GET", "/s/acme/info", f.admin("acme"), "", message)
			f.want(503, "DELETE", "/s/acme", f.operator("acme"), "", message)
		}
	}
	f.want(200, "GET", "/s/acme/info", f.admin("acme"), "")
}

// S3: a space that a newer version wrote gets 503, and nothing is touched.
func TestASpaceOfANewerVersionGets503(t *testing.T) {
	f := newTown(t)
	f.push("acme", "a")
	f.stored("acme", abi.Statement{SQL: `UPDATE layout SET version = version + 1`})
	s := f.again("acme")
	stored := s.Stored.Load()
	for _, c := range [][2]string{
		{"GET", "/sync/pull"}, {"POST", "/trpc/sync.push"}, {"POST", "/auth/ticket"}, {"GET", "/api/v1/projects/"}, {"GET", "/info"}, {"DELETE", ""},
	} {
		token := f.admin("acme")
		if c[0] == "DELETE" {
			token = f.operator("acme")
		}
		f.want(503, c[0], "/s/acme"+c[1], token, "", "newer version")
	}
	f.wantClosed(4503, f.dial("/s/acme/sync/subscribe?token="+f.in("acme")))
	if s.ring() == nil || s.Stored.Load() != stored || len(f.calls) > 0 || f.listed() != "acme" {
		t.Errorf("%d transactions, calls %v, listed %q", s.Stored.Load()-stored, f.calls, f.listed())
	}
}
