package overview

import (
	"fmt"

	"tidemark/shared/abi"
	"tidemark/worker/store/spaces"
)

// A Warning is a sentence for the operator. Space and Room name what it is about.
type Warning struct {
	Code  string `json:"code"`
	Text  string `json:"text"`
	Space string `json:"space,omitempty"`
	Room  string `json:"room,omitempty"`
}

// The codes of warnings.
const (
	NoBackup        = "no_backup"
	Errors          = "errors"
	InstanceEnded   = "instance_ended"
	CopyFails       = "copy_fails"
	CopyLate        = "copy_late"
	SpaceFull       = "space_full"
	WebhooksFailing = "webhooks_failing"
)

const (
	mostNamed       = 20 // spaces that are named
	failuresToWarn  = 5
	lateToWarn      = 10 * 60 // seconds
	hourMillis      = 3_600_000
	dayMillis       = 24 * hourMillis
	errorsInHundred = 1
)

type warner struct{ list []Warning }

func (w *warner) warn(code, text string) { w.list = append(w.list, Warning{Code: code, Text: text}) }

// ofHost warns of what the host itself knows.
func (w *warner) ofHost(host *abi.Overview) {
	w.ofBackup(host)
	var requests, errors int64
	for i := range host.Minutes {
		requests += host.Minutes[i].Requests
		errors += host.Minutes[i].Errors
	}
	if errors*100 > requests*errorsInHundred {
		w.warn(Errors, fmt.Sprintf("%d of %s within the last hour failed with a status of 500 or more. The log has their reasons.", errors, count(requests, "request")))
	}
	for _, ended := range []struct {
		instances int64
		why       string
	}{
		{host.Ended.Memory, "because it needed more memory than LIMIT_MEMORY_MB"},
		{host.Ended.TooLong, "because it ran for LIMIT_STRETCH_MS without a pause"},
		{host.Ended.Failed, "because it failed"},
	} {
		if ended.instances > 0 {
			w.warn(InstanceEnded, fmt.Sprintf("Within the last hour an instance of the guest ended %s %s. The log has more.", times(ended.instances), ended.why))
		}
	}
}

func (w *warner) ofBackup(host *abi.Overview) {
	b := &host.Backup
	if !b.Here {
		return
	}
	since, known := host.Server.Since, b.Last != nil
	if known {
		since = *b.Last
	}
	switch age := host.Now - since; {
	case !known && !b.On:
		w.warn(NoBackup, "The server makes no backups, and none was made since it started. serve --backup-to makes them.")
	case age < dayMillis:
	case known:
		w.warn(NoBackup, fmt.Sprintf("There has been no backup for %s.", count(age/dayMillis, "day")))
	default:
		w.warn(NoBackup, fmt.Sprintf("The server has made no backup since it started %s ago. The log has the reason.", count(age/dayMillis, "day")))
	}
}

// ofCopies warns of documents whose copies in the database are old.
func (w *warner) ofCopies(copies []abi.OverviewCopy, place func(class, name string) (space, room string)) {
	for _, c := range copies {
		warning := Warning{Code: CopyFails}
		warning.Space, warning.Room = place(c.Class, c.Name)
		name := fmt.Sprintf("The copy of the document %q", warning.Room)
		if warning.Space != "" {
			name += fmt.Sprintf(" in the space %q", warning.Space)
		}
		switch {
		case c.Failures >= failuresToWarn:
			warning.Text = fmt.Sprintf("%s failed %s in a row. The log has the reason. Its edits are safe in its room.", name, times(c.Failures))
		case c.LateSeconds > lateToWarn:
			warning.Code = CopyLate
			warning.Text = fmt.Sprintf("%s is late by %s. Its edits are safe in its room.", name, count(c.LateSeconds/60, "minute"))
		default:
			continue
		}
		w.list = append(w.list, warning)
	}
}

// ofSpaces warns of spaces that are nearly full.
func (w *warner) ofSpaces(filled []spaces.Filled, bytes int64) {
	for _, s := range filled {
		if percent := s.Bytes * 100 / max(bytes, 1); percent >= spaces.NotablePercent {
			w.list = append(w.list, Warning{
				Code: SpaceFull, Space: s.Name, Text: fmt.Sprintf("The space %q is at %d %% of LIMIT_SPACE_BYTES. At 100 %% it takes deletions only.", s.Name, percent),
			})
		}
	}
}

func (w *warner) ofWebhooks(failing int) {
	if failing > 0 {
		w.warn(WebhooksFailing, fmt.Sprintf("The receiver of webhooks did not take the last event of %s. GET /webhooks has the reasons.", count(int64(failing), "outbox", "outboxes")))
	}
}

// count is a number of things: "1 day", "3 days". more is the word for several, if it is not one with an s.
func count(n int64, one string, more ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(more) > 0:
		return fmt.Sprintf("%d %s", n, more[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
