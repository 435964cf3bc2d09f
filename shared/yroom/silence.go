package yroom

import (
	"time"

	"tidemark/shared/session"
)

// recordNews records that a socket has sent news of its clients.
func (s *socket) recordNews(now time.Time) {
	s.regular = !s.heard.IsZero() && now.Sub(s.heard) <= renewal
	s.heard = now
}

// renews reports whether the news of a socket are frequent enough to break the silence.
func (s *socket) renews(now time.Time) bool {
	return !s.closed && s.regular && now.Sub(s.heard) <= renewal
}

// renewed reports whether at least one socket renews.
func (r *Room) renewed(now time.Time) bool {
	if s := r.sockets[r.renewer]; s != nil && s.renews(now) {
		return true
	}
	for conn, s := range r.sockets {
		if s.renews(now) {
			r.renewer = conn
			return true
		}
	}
	return false
}

func (r *Room) anybody() bool {
	for _, s := range r.sockets {
		if !s.closed {
			return true
		}
	}
	return false
}

// sendsToAll reports whether this event sends a message to all.
func (r *Room) sendsToAll() bool {
	for _, m := range r.out.Send {
		if m.ToAll() {
			return true
		}
	}
	return false
}

// breakSilence sends an empty awareness message to all if they have received nothing for long,
// or for an unknown time, and no renewal is due: y-websocket disconnects after 30 seconds.
func (r *Room) breakSilence(now time.Time) {
	if r.sendsToAll() {
		r.lastToAll = now
	}
	due := r.lastToAll.IsZero() || !r.lastToAll.Add(r.config.Silence).After(now.Add(early))
	if r.config.Silence > 0 && due && r.anybody() && !r.renewed(now) {
		r.send(r.present.message(nil))
		r.lastToAll = now
	}
}

// schedule sets the alarm if its time has changed, because setting it costs a row. While a
// socket is connected, it keeps an alarm that comes before the end of the silence, even if there
// is no work so soon: to wake up once costs less.
func (r *Room) schedule(now time.Time) {
	next := r.nextAlarm()
	if r.config.Silence > 0 && r.anybody() {
		broken := r.lastToAll.Add(r.config.Silence)
		switch soon := r.set && r.alarm.After(now) && !r.alarm.After(broken); {
		case soon && (next.IsZero() || !next.Before(r.alarm)):
			return
		case !soon && !r.renewed(now):
			next = session.Sooner(next, broken)
		}
	}
	switch {
	case r.set && next.Equal(r.alarm):
	case next.IsZero():
		if r.set {
			r.out.Alarm = &next
		}
		r.alarm, r.set = next, true
	case r.set && !r.alarm.IsZero() && next.After(r.alarm):
		r.out.Alarm = &next
		r.alarm = next
	default:
		r.out.Sooner = &next
		r.alarm, r.set = next, true
	}
}
