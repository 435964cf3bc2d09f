package webhooks

import (
	"context"
	"time"

	"tidemark/shared/jsonvalue"
	"tidemark/worker/store/outbox"
)

// A Status is what an operator learns of an outbox. Times are Unix milliseconds.
type Status struct {
	Space         *string `json:"space"` // null: the root
	Room          *string `json:"room"`  // null: the rows
	Waiting       int     `json:"waiting"`
	Failures      int     `json:"failures"`        // in a row, of the event that is being sent
	NextAttemptAt *int64  `json:"next_attempt_at"` // null: no event failed
	LastError     *Error  `json:"last_error"`
	LastSuccessAt *int64  `json:"last_success_at"`
}

// Fails says whether something waits since the receiver did not take it.
func (s *Status) Fails() bool {
	return s.Waiting > 0 && s.LastError != nil && (s.LastSuccessAt == nil || *s.LastSuccessAt < s.LastError.At)
}

// An Error is the last failure of a receiver.
type Error struct {
	At      int64  `json:"at"`
	Message string `json:"message"`
}

// Unreached stands for the Status of an object that failed to say it. The log has the reason.
type Unreached struct {
	Space       *string `json:"space"`
	Room        *string `json:"room"`
	Unreachable bool    `json:"unreachable"` // true
}

func unreached(e outbox.Entry) []byte {
	text, _ := jsonvalue.Marshal(Unreached{name(e.Space), name(e.Room), true})
	return text
}

// Status returns what the operator learns of the outbox.
func (o *Outbox) Status(ctx context.Context) (Status, error) {
	s, _, err := o.store.Read(ctx)
	if err != nil {
		return Status{}, err
	}
	rows, err := o.store.Count(ctx)
	if err != nil {
		return Status{}, err
	}
	status := Status{Waiting: rows, Failures: s.Failures, Space: name(o.Entry.Space), Room: name(o.Entry.Room), LastSuccessAt: moment(s.Success)}
	if s.Event != nil {
		status.Waiting++
		status.NextAttemptAt = moment(s.Next)
	}
	if s.ErrorAt > 0 {
		status.LastError = &Error{s.ErrorAt, s.Error}
	}
	return status, nil
}

func name(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func moment(millis int64) *int64 {
	if millis == 0 {
		return nil
	}
	return &millis
}

// Retry has the next Deliver send at once what waits.
func (o *Outbox) Retry(ctx context.Context) error {
	s, head, err := o.store.Read(ctx)
	if err != nil || s.Event == nil && head == nil {
		return err
	}
	if err := o.store.Hurry(ctx); err != nil {
		return err
	}
	o.resume()
	return nil
}

// resume makes the outbox want a Deliver now.
func (o *Outbox) resume() { o.tries, o.due = time.Time{}, o.Now() }

// prefix is the first byte of a message to an object about its outbox. No other message to a room
// of a document, or to a space, begins with it.
const prefix = 0x7f

// The messages.
const (
	messageArm    = 'a' // to the root's object: rows may be added soon, see Armed
	messageNoted  = 'n' // to the root's object: rows were added
	messageResume = 'g' // to the root's object: send now
	messageStatus = 's' // the reply is a Status as JSON
	messageRetry  = 'r' // send now; the reply is a Status as JSON
)

// IsMessage says whether a message to an object is about its outbox.
func IsMessage(message []byte) bool { return len(message) == 2 && message[0] == prefix }

// Call answers a message, in an event of the object. The reply to messageStatus and messageRetry is a Status or Unreached.
func (o *Outbox) Call(message []byte) []byte {
	ctx := context.Background() // in an event nothing waits
	switch message[1] {
	case messageArm:
		o.arm()
		return nil
	case messageNoted:
		o.Noted(1)
		return nil
	case messageResume:
		o.resume()
		return nil
	case messageRetry:
		if err := o.Retry(ctx); err != nil {
			o.Log.Error("the events of an object were not sent again", "space", o.Entry.Space, "room", o.Entry.Room, "error", err)
			return unreached(o.Entry)
		}
	}
	s, err := o.Status(ctx)
	if err != nil {
		o.Log.Error("an outbox was not read", "space", o.Entry.Space, "room", o.Entry.Room, "error", err)
		return unreached(o.Entry)
	}
	reply, _ := jsonvalue.Marshal(s) // of texts and numbers
	return reply
}
