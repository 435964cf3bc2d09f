package yroom

import (
	"time"

	"tidemark/shared/session"
)

// speaks notes that a socket has said something new of its clients.
func (s *socket) speaks(now time.Time) {
	s.regular = !s.heard.IsZero() && now.Sub(s.heard) <= renewal
	s.heard = now
}

// renews tells that what a socket says of its clients reaches everybody in time.
func (s *socket) renews(now time.Time) bool {
	return !s.closed && s.regular && now.Sub(s.heard) <= renewal
}

// renewed tells that some socket renews.
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

// spoken tells that this event sends something to all.
func (r *Room) spoken() bool {
	for _, m := range r.out.Send {
		if m.ToAll() {
			return true
		}
	}
	return false
}

// breakSilence sends an awareness message of nobody to all, if they have heard
// nothing for long, or nobody knows since when, and nobody's renewal is on its way:
// y-websocket leaves after 30 seconds.
func (r *Room) breakSilence(now time.Time) {
	if r.spoken() {
		r.told = now
	}
	due := r.told.IsZero() || !r.told.Add(r.config.Silence).After(now.Add(early))
	if r.config.Silence > 0 && due && r.anybody() && !r.renewed(now) {
		r.send(r.present.message(nil))
		r.told = now
	}
}

// schedule sets the alarm, if that is another than is set: each time costs a row. An
// alarm that comes before the silence is too long stays while somebody is connected,
// also if there is nothing to do so soon: to wake up once costs less.
func (r *Room) schedule(now time.Time) {
	next := r.nextAlarm()
	if r.config.Silence > 0 && r.anybody() {
		broken := r.told.Add(r.config.Silence)
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
