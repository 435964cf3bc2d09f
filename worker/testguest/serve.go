//go:build js && wasm

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/web"
	"tidemark/worker/host"
)

// forward hands a request to the room's Serve.
func forward(w web.ResponseWriter, r *web.Request) {
	query := r.URL.Query()
	if query.Has("taken") {
		if _, ok := takeBody(w, r); !ok {
			return
		}
	}
	to := binding
	if query.Has("to") {
		to = query.Get("to")
	}
	host.Rooms{}.Forward(w, r, abi.Forward{
		Request: true, Binding: to, Name: roomOf(r), Attachment: []byte(query.Get("attachment")),
	})
}

// verify asks the host about a signature of wasm/edge/testdata/signatures.json.
func verify(w web.ResponseWriter, r *web.Request) {
	body, _ := takeBody(w, r)
	var c struct {
		Alg                     string
		A, B, Signed, Signature []byte
	}
	if err := json.Unmarshal(body, &c); err != nil {
		fail(w, err.Error(), web.StatusBadRequest)
		return
	}
	good, err := host.Web{}.Verify(r.Context(), abi.Signature{
		Alg: c.Alg, Key: [2]string{string(c.A), string(c.B)}, Signed: c.Signed, Signature: c.Signature,
	})
	if err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	answer(w, good)
}

// Serve does what ?do= says:
//
//	echo                  {"object","method","url","header","body","attachment"}; see takeBody
//	length                the body's length; see takeBody
//	refused               401; the body is not taken
//	big&kb=               that many times 1,000 bytes, in writes of different lengths
//	enter&command=        the command's reply, in an event; see Probe
//	wait&key=             waits for /wake?key=, then enters and adds the key to the log
//	sleep&ms=             waits, then "slept"
//	again&key=&take=      as the Worker's /again
//	memory&mb=            allocates and keeps it until the instance ends, then waits for /wake?key=
//	exit, panic, loop     as it says
//	spin&ms=              loops until that much time has passed
//	socket&name=          forwards the upgrade to that room
//	refuse                refuses the upgrade by 4401
//	pass                  forwards the request to another object, which is an error
func (p *probe) Serve(w web.ResponseWriter, r *web.Request, attachment []byte) {
	query := r.URL.Query()
	switch query.Get("do") {
	case "echo":
		if body, ok := takeBody(w, r); ok {
			answer(w, map[string]any{
				"object": p.o.Class + " " + p.o.Name, "method": r.Method, "url": r.URL.String(), "header": fieldsOf(r.Header),
				"body": string(body), "attachment": attachment,
			})
		}
	case "length":
		if body, ok := takeBody(w, r); ok {
			answer(w, len(body))
		}
	case "refused":
		fail(w, "refused", web.StatusUnauthorized)
	case "big":
		for n := range number(r, "kb") {
			w.Write(bytes.Repeat([]byte{'a' + byte(n%26)}, 1000-n%2))
			w.Write(bytes.Repeat([]byte{'\n'}, n%2))
		}
	case "enter":
		p.enter(w, r, query.Get("command"))
	case "wait":
		p.waitAndAdd(w, r, query.Get("key"))
	case "sleep":
		host.Sleep(r.Context(), time.Duration(number(r, "ms"))*time.Millisecond)
		io.WriteString(w, "slept")
	case "again":
		again(w, r)
	case "memory":
		for range number(r, "mb") {
			held = append(held, bytes.Repeat([]byte{1}, 1<<20))
		}
		p.waitAndAdd(w, r, query.Get("key"))
	case "exit":
		os.Exit(3)
	case "panic":
		panic("on request")
	case "loop":
		loop()
	case "spin":
		spin(number(r, "ms"))
		io.WriteString(w, "spun")
	case "socket":
		host.Rooms{}.Forward(w, r, abi.Forward{Binding: binding, Name: query.Get("name"), Attachment: attachment})
	case "refuse":
		host.Rooms{}.Forward(w, r, abi.Refusal{Code: 4401, Reason: "no token"}.Forward())
	case "pass":
		host.Rooms{}.Forward(w, r, abi.Forward{Request: true, Binding: binding, Name: "elsewhere"})
	default:
		fail(w, "no such command", web.StatusNotFound)
	}
}

func (p *probe) enter(w web.ResponseWriter, r *web.Request, command string) {
	reply := ""
	if err := p.o.Enter(r.Context(), func() { reply = p.do(0, command) }); err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	io.WriteString(w, reply)
}

// waitAndAdd waits for /wake, unless key is "". It sends the number and the memory of
// the object, which tell instances apart.
func (p *probe) waitAndAdd(w web.ResponseWriter, r *web.Request, key string) {
	if key != "" && !waited(w, r, key) {
		return
	}
	if err := p.o.Enter(r.Context(), func() { p.add(key) }); err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, boot(), " ", strconv.Itoa(int(p.o.ID)))
}
