//go:build !js

package overview

import (
	"fmt"
	"reflect"
	"testing"

	"tidemark/shared/abi"
	"tidemark/worker/store/spaces"
)

const now = 1_796_000_000_000

// ofServer returns the texts of the warnings about a host of its own machine that changed so.
func ofServer(change func(*abi.Overview)) (texts []string) {
	recently := int64(now - 1000)
	o := abi.Overview{
		Now: now, Server: abi.OverviewServer{Since: now - 5*dayMillis}, Backup: abi.OverviewBackup{Here: true, On: true, Last: &recently},
		Minutes: []abi.OverviewMinute{{Requests: 60}, {Requests: 40, Errors: 1}},
	}
	change(&o)
	w := warner{}
	w.ofHost(&o)
	for _, warning := range w.list {
		texts = append(texts, warning.Code+": "+warning.Text)
	}
	return texts
}

func TestTheHostIsWarnedOf(t *testing.T) {
	backup := func(on bool, age int64, since int64) func(*abi.Overview) {
		return func(o *abi.Overview) {
			o.Server.Since = now - since
			o.Backup.On, o.Backup.Last = on, nil
			if last := now - age; age >= 0 {
				o.Backup.Last = &last
			}
		}
	}
	for _, c := range []struct {
		change func(*abi.Overview)
		want   []string
	}{
		{func(*abi.Overview) {}, nil},
		{backup(true, dayMillis-1, 0), nil},
		{backup(true, dayMillis, 0), []string{"no_backup: There has been no backup for 1 day."}},
		{backup(false, 3*dayMillis+hourMillis, 0), []string{"no_backup: There has been no backup for 3 days."}},
		{backup(false, hourMillis, 0), nil},
		{backup(false, -1, 0), []string{"no_backup: The server makes no backups, and none was made since it started. serve --backup-to makes them."}},
		{backup(true, -1, dayMillis-1), nil},
		{backup(true, -1, 2*dayMillis), []string{"no_backup: The server has made no backup since it started 2 days ago. The log has the reason."}},
		{func(o *abi.Overview) { o.Backup = abi.OverviewBackup{} }, nil},
		{func(o *abi.Overview) { o.Minutes[0].Errors = 1 }, []string{"errors: 2 of 100 requests within the last hour failed with a status of 500 or more. The log has their reasons."}},
		{func(o *abi.Overview) { o.Ended = abi.OverviewEnded{Memory: 1, TooLong: 2, Failed: 3} }, []string{
			"instance_ended: Within the last hour an instance of the guest ended once because it needed more memory than LIMIT_MEMORY_MB. The log has more.",
			"instance_ended: Within the last hour an instance of the guest ended 2 times because it ran for LIMIT_STRETCH_MS without a pause. The log has more.",
			"instance_ended: Within the last hour an instance of the guest ended 3 times because it failed. The log has more.",
		}},
	} {
		if got := ofServer(c.change); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestCopiesAreWarnedOf(t *testing.T) {
	w := warner{}
	w.ofCopies([]abi.OverviewCopy{
		{Class: "inside", Name: "plan", Failures: 5}, {Class: "root", Name: "note", Failures: 4, LateSeconds: lateToWarn + 60}, {Class: "root", Name: "new", Failures: 4, LateSeconds: lateToWarn},
	}, func(class, name string) (space, room string) {
		if class == "inside" {
			return "acme", name
		}
		return "", name
	})
	want := []Warning{
		{"copy_fails", `The copy of the document "plan" in the space "acme" failed 5 times in a row. The log has the reason. Its edits are safe in its room.`, "acme", "plan"},
		{"copy_late", `The copy of the document "note" is late by 11 minutes. Its edits are safe in its room.`, "", "note"},
	}
	if !reflect.DeepEqual(w.list, want) {
		t.Errorf("%q, want %q", w.list, want)
	}
}

// The limit may have been raised since a space told how much it holds.
func TestSpacesAreWarnedOf(t *testing.T) {
	w := warner{}
	w.ofSpaces([]spaces.Filled{{Name: "acme", Bytes: 1010}, {Name: "team", Bytes: 900}, {Name: "half", Bytes: 899}}, 1000)
	want := []Warning{
		{Code: "space_full", Space: "acme", Text: `The space "acme" is at 101 % of LIMIT_SPACE_BYTES. At 100 % it takes deletions only.`},
		{Code: "space_full", Space: "team", Text: `The space "team" is at 90 % of LIMIT_SPACE_BYTES. At 100 % it takes deletions only.`},
	}
	if !reflect.DeepEqual(w.list, want) {
		t.Errorf("%q, want %q", w.list, want)
	}
	w.ofWebhooks(0)
	w.ofWebhooks(1)
	w.ofWebhooks(2)
	if got := fmt.Sprint(w.list[2:]); got != "[{webhooks_failing The receiver of webhooks did not take the last event of 1 outbox. GET /webhooks has the reasons.  } {webhooks_failing The receiver of webhooks did not take the last event of 2 outboxes. GET /webhooks has the reasons.  }]" {
		t.Error(got)
	}
}
