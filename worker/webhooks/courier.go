// Package webhooks takes events from outboxes to the receiver. Each object that has data has an
// Outbox of its own, whose alarm sends what waits: the root's is that of one more object, which
// stores nothing itself. docs/protocol.md, W1 to W5.
package webhooks

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/logline"
	"tidemark/shared/metric"
	"tidemark/shared/session"
	"tidemark/shared/webhook"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
	"tidemark/worker/store/outbox"
)

// A Web sends requests to other servers; host.Web is one.
type Web interface {
	Fetch(ctx context.Context, f abi.Fetch) (abi.Fetched, error)
}

// A Courier is what the outboxes of an instance share.
type Courier struct {
	Config webhook.Config
	Web    Web
	List   *outbox.List
	Now    func() time.Time
	Log    *logline.Logger
	// Start names the start of the server. After a 410 nothing is sent until the next one. W3.
	Start string
}

const (
	// storagePatience is the time to the next alarm after the storage failed.
	storagePatience = 30 * time.Second
	// goneWatch is the time between the alarms of an outbox whose receiver is gone.
	goneWatch = time.Minute
	// early is how much before its time an alarm may come.
	early = 50 * time.Millisecond
)

// An Outbox is the outbox of one object, and what the instance knows of it. Its methods run in
// events of the object, but for Deliver, which waits.
type Outbox struct {
	*Courier
	Entry outbox.Entry
	store *outbox.Outbox

	due     time.Time // of the next Deliver; zero: nothing waits
	tries   time.Time // the receiver is not asked before, after a failure
	last    time.Time // the last Deliver
	known   bool      // due is that of the storage
	news    bool      // Noted since the last Read
	added   int       // rows since the last Merge, by this instance
	counted bool      // this instance has called Merge
	ofRoot  bool
	until   time.Time // of the root: the alarm is kept until then, see Armed
}

// New returns the outbox of an object in db.
func (c *Courier) New(db store.DB, mark outbox.Kind, e outbox.Entry) *Outbox {
	return &Outbox{Courier: c, Entry: e, store: outbox.New(db, mark)}
}

// Due returns when the outbox wants its next Deliver; the zero time: it does not.
func (o *Outbox) Due() time.Time { return o.due }

// Open learns, once, from the storage when the outbox wants its next Deliver.
func (o *Outbox) Open(ctx context.Context) error {
	if o.known {
		return nil
	}
	s, head, err := o.store.Read(ctx)
	if err != nil {
		return err
	}
	o.known = true
	o.plan(s.Step(head, o.Now().UnixMilli()))
	return nil
}

// Forget is called after the storage was erased.
func (o *Outbox) Forget() {
	*o = Outbox{Courier: o.Courier, Entry: o.Entry, store: o.store, ofRoot: o.ofRoot}
}

// rest is the least time between two alarms because of news.
const rest = 500 * time.Millisecond

// Noted says that the event has added rows.
func (o *Outbox) Noted(rows int) {
	o.news = true
	o.added += rows
	now := o.Now()
	at := o.last.Add(rest)
	if at.Before(now) || o.last.After(now) {
		at = now
	}
	if at.Before(o.tries) && o.added < webhook.CountEvery {
		at = o.tries
	}
	o.due = session.Sooner(o.due, at)
}

// plan sets when the next Deliver is due, for a step that is not done now.
func (o *Outbox) plan(step webhook.Step) {
	o.due = time.Time{}
	switch {
	case step.Send || step.Compose != nil:
		o.due = o.Now()
	case step.Wait > 0:
		o.due = time.UnixMilli(step.Wait)
	}
}

// Deliver sends what waits, in order, until the receiver fails or Shift is over.
func (o *Outbox) Deliver(ctx context.Context) {
	begin := o.Now()
	if o.known && (o.due.IsZero() || o.due.After(begin.Add(early))) {
		return
	}
	if !o.known && o.ofRoot { // an instance that ended may have announced that it adds rows
		o.until = begin.Add(armedFor + writing)
	}
	o.known, o.last = true, begin
	next, err := o.deliver(ctx, begin.Add(o.Config.Shift()))
	now := o.Now()
	if err != nil {
		if ctx.Err() == nil {
			o.Log.Warn("an outbox of webhooks failed; it is tried again", "space", o.Entry.Space, "room", o.Entry.Room, "error", err)
		}
		next = now.Add(storagePatience)
	}
	o.tries = next
	if o.news && (next.IsZero() || o.added >= webhook.CountEvery) {
		next = session.Sooner(next, now.Add(rest))
	}
	if o.until.After(now) {
		next = session.Sooner(next, now.Add(armedFor))
	}
	o.due = next
}

// deliver returns when it wants to go on; zero: nothing waits.
func (o *Outbox) deliver(ctx context.Context, end time.Time) (next time.Time, err error) {
	for {
		o.news = false
		if err := o.merge(ctx); err != nil {
			return next, err
		}
		s, head, err := o.store.Read(ctx)
		if err != nil {
			return next, err
		}
		now := o.Now()
		step := s.Step(head, now.UnixMilli())
		switch {
		case step.Wait > 0:
			return time.UnixMilli(step.Wait), nil
		case !step.Send && step.Compose == nil:
			metric.Add(ctx, metric.WebhooksWaiting, 0)
			return time.Time{}, nil
		case now.After(end):
			return now, nil
		}
		if step.Compose != nil {
			err := o.store.Compose(ctx, &s, step.Compose, "msg_"+rand.Text(), now.UnixMilli())
			if err != nil || s.Event == nil {
				return now.Add(rest), err
			}
		}
		do := o.send
		if !o.Config.Wants(s.Event.Type) {
			do = o.drop
		}
		gone, err := o.List.Gone(ctx, o.Start)
		if err != nil {
			return next, err
		}
		if gone && s.Listed != webhook.Failing { // a retry must reach it
			o.list(ctx, &s, webhook.Failing)
			err = o.store.Put(ctx, &s, s.Event.ID)
		}
		if gone {
			return now.Add(goneWatch), err
		}
		if err := do(ctx, &s); err != nil {
			return next, err
		}
	}
}

// send sends the event of a state once, and stores the outcome.
func (o *Outbox) send(ctx context.Context, s *webhook.State) error {
	e := *s.Event
	if e.Type == webhook.DocumentChanged {
		last, _ := strconv.ParseInt(e.Mark, 10, 64)
		e.Mark = yroom.ETag(last)
	}
	got, err := o.Web.Fetch(ctx, o.Config.Request(&e, e.Body(o.Entry.Space, o.Entry.Room), o.Now()))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	now, result := o.Now().UnixMilli(), metric.Done
	listed := webhook.Healthy
	verdict := webhook.Refused
	if err == nil {
		verdict = webhook.Judge(got.Status)
	}
	switch verdict {
	case webhook.Taken:
		s.Received(now)
	case webhook.Gone:
		if err := o.List.PutGone(ctx, o.Start); err != nil {
			return err
		}
		s.Error, s.ErrorAt, listed, result = "the receiver returned 410: nothing is sent until the next start or a retry", now, webhook.Failing, metric.Failed
		o.Log.Warn("the receiver of webhooks is gone: nothing is sent until the next start or a retry", "status", got.Status)
	default:
		reason := fmt.Sprintf("status %d", got.Status)
		if err != nil {
			reason = cut(err.Error())
		}
		listed, result = webhook.Failing, metric.Failed
		if s.Failed(now, reason) {
			o.Log.Error("an event of webhooks was given up after 3 days", "id", e.ID, "type", string(e.Type), "space", o.Entry.Space, "error", reason)
		} else if s.Failures == 1 {
			o.Log.Warn("the receiver of webhooks did not take an event; it is sent again", "id", e.ID, "type", string(e.Type), "space", o.Entry.Space, "error", reason)
		}
	}
	metric.Add(ctx, metric.Webhooks, 1, result)
	if result == metric.Failed {
		if rows, err := o.store.Count(ctx); err == nil {
			metric.Add(ctx, metric.WebhooksWaiting, float64(rows+1))
		}
	}
	o.list(ctx, s, listed)
	return o.store.Put(ctx, s, e.ID)
}

// list notes in the list of all outboxes, and in the state, whether the outbox fails.
func (o *Outbox) list(ctx context.Context, s *webhook.State, listed webhook.Listed) {
	if s.Listed != listed && o.Entry != (outbox.Entry{}) {
		if err := o.List.Put(ctx, o.Entry, listed == webhook.Failing); err != nil {
			o.Log.Warn("the list of webhooks was not written", "error", err)
			return
		}
	}
	s.Listed = listed
}

// drop gives up the event of a state, whose type the receiver wanted before the last start.
func (o *Outbox) drop(ctx context.Context, s *webhook.State) error {
	id := s.Event.ID
	s.Drop()
	return o.store.Put(ctx, s, id)
}

// maxError is how much of an error is kept.
const maxError = 300

func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxError)], "") }

// merge keeps the rows below webhook.MaxWaiting. W4.
func (o *Outbox) merge(ctx context.Context) error {
	if o.counted && o.added < webhook.CountEvery {
		return nil
	}
	o.added, o.counted = 0, true
	t, rows, err := o.store.Merge(ctx)
	if rows > 0 {
		o.Log.Warn("too many events of webhooks wait: the oldest of a type were merged", "type", string(t), "rows", rows, "space", o.Entry.Space)
	}
	return err
}
