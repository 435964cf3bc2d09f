package yroom

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/session"
)

// The greatest reply to OpPeople: so many people, and so many bytes before its end. Together they have 1 MiB.
const (
	maxPeople      = 1_000
	maxPeopleBytes = 1<<20 - 64
)

// Nobody returns the reply to OpPeople of a room that stores nothing, and false if the request is another
// one. Such a room has no socket, and need not be made for it.
func Nobody(request []byte) (reply []byte, ok bool) {
	p := NoPeople()
	return p.encode(), len(request) > 0 && Op(request[0]) == OpPeople
}

// NoPeople is the reply to OpPeople if there is no socket.
func NoPeople() Reply { return Reply{Status: StatusOK, Body: []byte(`{"sockets":0,"people":[]}`)} }

// A person is the sockets of one subject. A socket whose token names no subject is a person of its own.
type person struct {
	subject string // "": unknown
	sockets int
	writes  bool     // one of the sockets may write
	clients []uint64 // that the sockets have announced
}

// people returns who has a socket, in the order of their first sockets, and how many sockets there are.
func (r *Room) people() (people []*person, sockets int) {
	known := map[session.Mark]*person{}
	for _, conn := range r.conns() {
		s := r.sockets[conn]
		if s.closed {
			continue
		}
		sockets++
		p := known[s.Session.Subject]
		if p == nil || s.Session.Subject == 0 {
			p = &person{}
			people = append(people, p)
			known[s.Session.Subject] = p
		}
		if p.subject == "" { // a socket that an older version let in has the mark alone
			p.subject = s.Subject
		}
		p.sockets++
		p.writes = p.writes || s.Write
		p.clients = append(p.clients, s.clients...)
	}
	return people, sockets
}

// showPeople is OpPeople. Its body is
//
//	{"sockets":2,"people":[{"subject":"u1","sockets":2,"writes":true,"states":[…]}]}
//
// with the awareness states as the clients sent them. It leaves out what is beyond maxPeople and maxPeopleBytes,
// and then has "more":true.
func (r *Room) showPeople(q Request, now time.Time) Reply {
	r.present.expire(now)
	people, sockets := r.people()
	whole := fmt.Appendf(make([]byte, replyHead), `{"sockets":%d,"people":[`, sockets)
	more := len(people) > maxPeople
	for i, p := range people[:min(len(people), maxPeople)] {
		comma := ","
		if i == 0 {
			comma = ""
		}
		next, all := r.present.appendPerson(append(whole, comma...), p)
		more = more || !all
		if len(next) > maxPeopleBytes {
			more = true
			break
		}
		whole = next
	}
	end := "]}"
	if more {
		end = `],"more":true}`
	}
	whole = append(whole, end...)
	if length := len(whole) - replyHead; q.Version > 0 && uint64(length) > q.Version {
		return Reply{Status: StatusLonger, Body: strconv.AppendInt(nil, int64(length), 10)}
	}
	r.steps += len(whole) / bytesAStep
	return Reply{Status: StatusOK, Cost: r.steps / stepsAMessage, Body: whole[replyHead:], whole: whole}
}

// appendPerson appends a person with the states for which there is room, and says whether these are all.
func (p *presence) appendPerson(b []byte, who *person) (_ []byte, all bool) {
	subject := []byte("null")
	if who.subject != "" {
		subject = ijson.AppendString(nil, who.subject)
	}
	b = fmt.Appendf(b, `{"subject":%s,"sockets":%d,"writes":%t,"states":[`, subject, who.sockets, who.writes)
	all = true
	slices.Sort(who.clients)
	comma := ""
	for _, client := range who.clients {
		e, _ := p.states.Get(client)
		switch {
		case e.State == nil:
		case len(b)+len(",]}")+len(e.State) > maxPeopleBytes:
			all = false
		default:
			b = append(append(b, comma...), e.State...)
			comma = ","
		}
	}
	return append(b, "]}"...), all
}
