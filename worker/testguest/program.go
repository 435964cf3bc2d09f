//go:build js && wasm

package main

import (
	"context"
	"errors"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/session"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/host"
)

const programBinding = "PROGRAM"

// A program is the Program of class Program, which no other part of the tests uses. See its
// Serve.
type program struct {
	o      *host.SpaceObject
	due    time.Time
	fails  bool
	alarms int
}

func newProgram(o *host.SpaceObject) host.Program { return &program{o: o} }

// Serve does what ?do= says:
//
//	fail&ms=    an alarm after that time, which fails until mend
//	mend        the alarm succeeds from now on
//	alarms      how many alarms there were
//	socket&ms=  a subscriber, whose session ends after that time
func (p *program) Serve(w web.ResponseWriter, r *web.Request, _ []byte) {
	query := r.URL.Query()
	at := time.Now().Add(time.Duration(number(r, "ms")) * time.Millisecond)
	if query.Get("do") == "socket" {
		admission := syncroom.Admission{Session: session.Session{Subject: 1, Expires: at}}
		host.Rooms{}.Forward(w, r, abi.Forward{Binding: programBinding, Name: p.o.Name, Attachment: admission.Append(nil)})
		return
	}
	err := p.o.Enter(r.Context(), func() {
		switch query.Get("do") {
		case "fail":
			p.due, p.fails = at, true
			p.o.Wake(at)
		case "mend":
			p.fails = false
		}
	})
	if err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	answer(w, p.alarms)
}

func (p *program) Call([]byte) (reply, forRoom []byte) { return nil, nil }

func (p *program) Alarm(context.Context) error {
	p.alarms++
	if p.fails {
		return errors.New("the program fails")
	}
	p.due = time.Time{}
	return nil
}

func (p *program) Due() time.Time { return p.due }
