// Package room is the vocabulary of the two kinds of rooms, syncroom and yroom. A room is the
// state machine of one Durable Object: the host calls an event method with the time, and
// performs the Effects that it returns.
//
// # Events
//
//	Connect     a socket was accepted
//	Message     a socket sent a text or binary message
//	Disconnect  a socket is gone
//	Call        the Worker sent a request
//	Timer       the timer that an effect set rings
//	Alarm       the alarm that an effect set goes off
//
// Events come one after another. The host may forget a room after any event, and make it again
// from what is stored and attached; sockets, the alarm and the timer of the object stay.
package room

import "time"

// A Conn is a socket of the room: a number above 0, stable over hibernation.
type Conn = int32

// Effects are what an event asks for. The host performs them in the order of the fields, and of
// each list.
type Effects struct {
	Attach []Attach
	Alarm  *time.Time    // replaces the alarm; the zero time removes it, nil leaves it as it is
	Timer  time.Duration // until the host calls Timer; 0 asks for none
	Holds  bool          // the host may hold the messages of sockets until then, or until another event
	Send   []Send
	Close  []Close
}

// Attach remembers data with a socket over hibernation: at most 2,000 bytes.
type Attach struct {
	Conn Conn
	Data []byte
}

// Send sends one message to some sockets, or to all if To is empty.
type Send struct {
	To   []Conn
	Kind int // abi.KindText or abi.KindBinary
	Data []byte
}

// ToAll tells whether the message goes to all sockets.
func (s Send) ToAll() bool { return len(s.To) == 0 }

// Close closes a socket.
type Close struct {
	Conn   Conn
	Code   int
	Reason string
}
