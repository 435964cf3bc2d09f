//go:build !js

package api_test

import (
	"fmt"
	"slices"
	"testing"
)

// pageOf is page n of an export, with a document. next is null or a cursor in quotes.
func pageOf(n int, document, next string) string {
	head := `{"format":1,"space":"","stamp":7,"export":"x"}`
	if n > 1 {
		head = fmt.Sprintf(`{"page":%d,"export":"x"}`, n)
	}
	return head + fmt.Sprintf("\n{\"document\":%q,\"updated_at\":1,\"parts\":0,\"state\":\"AAA=\"}\n{\"next\":%s}\n", document, next)
}

// imports sends a page to the space acme.
func (f *town) imports(status int, page string, parts ...string) {
	f.Helper()
	f.want(status, "POST", "/s/acme/import", f.admin("acme"), page, parts...)
}

// S11: a page that was imported before changes nothing: not the documents either, which
// are edited since.
func TestAPageOfAnImportThatIsSentAgainErasesNothing(t *testing.T) {
	f := newTown(t)
	first, last := pageOf(1, "r", `"c"`), pageOf(2, "q", "null")
	f.imports(200, first, `"next":"c"`)
	f.want(503, "GET", "/s/acme/sync/pull", f.in("acme"), "", "imported")
	f.imports(200, first, `"next":"c"`)
	f.want(503, "GET", "/s/acme/sync/pull", f.in("acme"), "", "imported")
	f.imports(200, last)
	if want := []string{"SPACE_YJS_ROOM acme/r", "SPACE_YJS_ROOM acme/q"}; !slices.Equal(f.calls, want) {
		t.Errorf("called %v, want %v", f.calls, want)
	}
	f.calls = nil
	for _, page := range []string{first, last} {
		f.imports(200, page)
		f.pull("acme", 0)
	}
	if len(f.calls) > 0 {
		t.Errorf("called %v", f.calls)
	}
	if f.listed() != "acme" {
		t.Errorf("listed %q", f.listed())
	}
}

// S11: the rooms of a page are erased before it is written. If that fails, nothing of the page
// is written, and a space in which an import runs stays closed.
func TestAPageWhoseRoomsCannotBeErasedIsNotWritten(t *testing.T) {
	f := newTown(t)
	f.left = 0
	f.imports(500, pageOf(1, "r", `"c"`))
	if s := f.object("acme"); s.Stored.Load() != 0 || f.pull("acme", 0).Timestamp != 1 {
		t.Errorf("%d transactions", s.Stored.Load())
	}
	f.left = -1
	f.imports(200, pageOf(1, "r", `"c"`))
	f.left = 0
	f.imports(500, pageOf(2, "q", "null"))
	f.want(503, "GET", "/s/acme/sync/pull", f.in("acme"), "", "imported")
	f.again("acme")
	f.want(503, "GET", "/s/acme/sync/pull", f.in("acme"), "", "imported")
	f.left = -1
	f.imports(200, pageOf(2, "q", "null"))
	f.pull("acme", 0)
	f.want(200, "GET", "/s/acme/info", f.admin("acme"), "", `"documents":2`)
}

// S11: from before the first rooms are erased until the last page is written, a space serves
// nothing else, so that no room begins with anything but the import.
func TestASpaceIsClosedWhileAPageIsImported(t *testing.T) {
	f := newTown(t)
	asked := 0
	ask := func() {
		f.object("acme").meanwhile(func() {
			asked++
			f.want(503, "POST", "/s/acme/yjs/r", f.in("acme"), "\x00\x00", "imported")
			f.want(503, "POST", "/s/acme/trpc/sync.push", f.in("acme"), pushes("a", 1), "imported")
			f.imports(503, pageOf(1, "r", `"c"`), "imported")
			f.want(200, "GET", "/s/acme/info", f.admin("acme"), "")
		})
	}
	f.during = ask
	f.imports(200, pageOf(1, "r", `"c"`))
	f.during = ask
	f.imports(200, pageOf(2, "q", "null"))
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	f.pull("acme", 0)
}

// S8, S11: an import neither goes on nor opens the space while it is deleted.
func TestADeletionEndsAnImport(t *testing.T) {
	f := newTown(t)
	f.imports(200, pageOf(1, "r", `"c"`))
	f.during = func() {
		f.object("acme").meanwhile(func() {
			f.d1.broken = true
			f.want(500, "DELETE", "/s/acme", f.operator("acme"), "")
			f.d1.broken = false
		})
	}
	f.imports(503, pageOf(2, "q", "null"), "deleted")
	f.imports(503, pageOf(1, "r", `"c"`), "deleted")
	f.imports(503, pageOf(2, "q", "null"), "deleted")
	f.want(503, "GET", "/s/acme/sync/pull", f.in("acme"), "", "deleted")
	s := f.object("acme")
	if err := s.ring(); err != nil || s.Tables() != 0 || f.listed() != "" || !s.alarm.IsZero() {
		t.Errorf("%v: %d tables, listed %q, the alarm is %v", err, s.Tables(), f.listed(), s.alarm)
	}
	f.imports(409, pageOf(2, "q", "null"), `"page":1`)
	f.imports(200, pageOf(1, "r", "null"))
	f.pull("acme", 0)
}

// S11: a document that no room could read is refused before the room is erased.
func TestAPageWithADocumentThatNoRoomReadsErasesNothing(t *testing.T) {
	f := newTown(t)
	f.imports(200, pageOf(1, "r", `"c"`))
	f.calls = nil
	f.imports(400, `{"page":2,"export":"x"}`+"\n"+`{"document":"q","updated_at":1,"part":1,"state":"AA=="}`+"\n"+
		`{"document":"q","updated_at":1,"parts":1,"state":"AQ=="}`+"\n"+`{"next":null}`, `"line":3`, "no update that a room can read")
	if len(f.calls) > 0 {
		t.Errorf("called %v", f.calls)
	}
	f.imports(200, pageOf(2, "q", "null"))
	f.pull("acme", 0)
}
