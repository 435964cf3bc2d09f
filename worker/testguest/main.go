//go:build js && wasm

// Command testguest is a guest that misbehaves on request. The tests of both
// hosts run it, beside the glue and host package of the real guest, to show
// what one bad request does to the others.
//
//	GET  /trivial               "ok"
//	GET  /env?name=             a variable
//	GET  /stats                 {"calls","ops","handles","goroutines","boot","memory"}; boot is new in each instance
//	GET  /overview              abi.Overview, as the host has it
//	POST /echo                  {"method","url","header","body"}; see takeBody
//	POST /slow-echo?ms=         the body, after a wait
//	POST /length?limit=         the body's length; see takeBody
//	POST /refused?ms=           401 after a wait; the body is not taken
//	GET  /taken-wait            takes the body, if there is one, and waits for /wake?key=taken
//	any  /again?key=&take=      has itself begun anew while the host does that, then sends how often it began here,
//	                            and its body's length; with take it takes the body first
//	GET  /d1?n=5&id=a           n inserts one after the other, then the count of the rows of id
//	POST /batch                 JSON [["SQL", arg…], …] as one batch; {"results":[{"changes","columns","rows"}]} or {"error"}
//	GET  /sleep?ms=             waits, then "slept"
//	GET  /wait?key=             waits for /wake in another request, then runs an op, then sends its result
//	GET  /wake?key=             wakes the waiting one in the middle of this request
//	GET  /panic                 the handler panics
//	GET  /goexit                the handler ends its goroutine
//	GET  /goroutine-panic       a goroutine panics, which ends the instance
//	GET  /stack-overflow        recurses without end
//	GET  /loop                  loops without end
//	GET  /spin?ms=              loops until that much time has passed, then "spun"
//	GET  /memory?mb=&hold=      allocates and touches; keeps it until the next call if hold is set
//	GET  /exit                  os.Exit(3)
//	POST /room/NAME/call        sends the body to a room, see Probe, and the reply back
//	POST /room/NAME/publish     the same, without waiting
//	GET  /room/NAME/socket      a WebSocket of the room; ?attachment=
//	any  /object/NAME?do=&attachment=   a request of the room, see Probe.Serve; ?to= is another binding, see program.Serve,
//	                            and with ?taken= the Worker takes the body before
//	GET  /fetch?url=&method=&body=&ms=&max=&reach=   asks another server; {"status","body","x","type"} of its answer or {"error"}
//	POST /verify                asks the host whether the signature of the JSON in the body is good; true or false
//	GET  /refuse?message=&reason=       a WebSocket that gets the message and is closed with 4401 "no token"
package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/web"
	"tidemark/worker/host"
)

const (
	db      = host.D1("DB")
	binding = "PROBE"
)

var (
	boot  = sync.OnceValue(rand.Text)
	held  [][]byte
	waits = map[string]host.Pause{}
)

// begun counts how often again began in this instance, by key.
var begun = map[string]int{}

func again(w web.ResponseWriter, r *web.Request) {
	key, take := value(r, "key"), value(r, "take") != ""
	begun[key]++
	var body []byte
	if take {
		body, _ = takeBody(w, r)
	}
	if host.Again(r.Context()) {
		return
	}
	if !take {
		body, _ = takeBody(w, r)
	}
	fmt.Fprint(w, begun[key], " ", len(body))
}

//layout:long one handler for each route
func main() {
	mux := routes{}
	mux["GET /trivial"] = func(w web.ResponseWriter, _ *web.Request) { io.WriteString(w, "ok") }
	mux["GET /env"] = func(w web.ResponseWriter, r *web.Request) {
		io.WriteString(w, host.Getenv(value(r, "name")))
	}
	mux["GET /stats"] = stats
	mux["GET /overview"] = overview
	mux["POST /echo"] = echo
	mux["POST /slow-echo"] = func(w web.ResponseWriter, r *web.Request) {
		host.Sleep(r.Context(), time.Duration(number(r, "ms"))*time.Millisecond)
		if body, ok := takeBody(w, r); ok {
			w.Write(body)
		}
	}
	mux["POST /length"] = func(w web.ResponseWriter, r *web.Request) {
		if body, ok := takeBody(w, r); ok {
			answer(w, len(body))
		}
	}
	mux["POST /refused"] = func(w web.ResponseWriter, r *web.Request) {
		if ms := number(r, "ms"); ms > 0 {
			host.Sleep(r.Context(), time.Duration(ms)*time.Millisecond)
		}
		fail(w, "refused", web.StatusUnauthorized)
	}
	mux["GET /taken-wait"] = func(w web.ResponseWriter, r *web.Request) {
		if _, ok := takeBody(w, r); ok {
			waitFor(w, r, "taken")
		}
	}
	mux["/again"] = again
	mux["GET /d1"] = insertSome
	mux["POST /batch"] = batch
	mux["GET /sleep"] = func(w web.ResponseWriter, r *web.Request) {
		if err := host.Sleep(r.Context(), time.Duration(number(r, "ms"))*time.Millisecond); err != nil {
			fail(w, err.Error(), web.StatusGatewayTimeout)
			return
		}
		io.WriteString(w, "slept")
	}
	mux["GET /wait"] = func(w web.ResponseWriter, r *web.Request) { waitFor(w, r, value(r, "key")) }
	mux["GET /wake"] = func(w web.ResponseWriter, r *web.Request) {
		if wake(value(r, "key")) {
			io.WriteString(w, "woke")
			return
		}
		fail(w, "nobody waits", web.StatusNotFound)
	}
	mux["GET /panic"] = func(web.ResponseWriter, *web.Request) { panic("on request") }
	mux["GET /goexit"] = func(web.ResponseWriter, *web.Request) { runtime.Goexit() }
	mux["GET /goroutine-panic"] = func(w web.ResponseWriter, r *web.Request) {
		go panic("on request, in a goroutine")
		host.Sleep(r.Context(), time.Second)
	}
	mux["GET /stack-overflow"] = func(w web.ResponseWriter, _ *web.Request) {
		io.WriteString(w, strconv.Itoa(recurse(1)))
	}
	mux["GET /loop"] = func(web.ResponseWriter, *web.Request) { loop() }
	mux["GET /spin"] = func(w web.ResponseWriter, r *web.Request) {
		spin(number(r, "ms"))
		io.WriteString(w, "spun")
	}
	mux["GET /memory"] = allocate
	mux["GET /exit"] = func(web.ResponseWriter, *web.Request) { os.Exit(3) }
	mux["POST /room/NAME/call"] = callRoom
	mux["POST /room/NAME/publish"] = func(w web.ResponseWriter, r *web.Request) {
		if body, ok := takeBody(w, r); ok {
			host.Rooms{}.Publish(r.Context(), binding, roomOf(r), body)
			io.WriteString(w, "published")
		}
	}
	mux["GET /room/NAME/socket"] = func(w web.ResponseWriter, r *web.Request) {
		host.Rooms{}.Forward(w, r, abi.Forward{
			Binding: binding, Name: roomOf(r), Owner: value(r, "owner"), Attachment: []byte(value(r, "attachment")),
		})
	}
	mux["GET /several"] = func(w web.ResponseWriter, r *web.Request) {
		host.Rooms{}.Forward(w, r, abi.Forward{Several: true, Name: "/lane/"})
	}
	mux["GET /lane/NAME"] = func(w web.ResponseWriter, r *web.Request) {
		host.Rooms{}.Forward(w, r, abi.Forward{Binding: binding, Name: roomOf(r)})
	}
	mux["/object/NAME"] = forward
	mux["GET /fetch"] = fetch
	mux["POST /verify"] = verify
	mux["GET /refuse"] = func(w web.ResponseWriter, r *web.Request) {
		reason := cmp.Or(value(r, "reason"), "no token")
		refusal := abi.Refusal{Code: 4401, Reason: reason, Message: []byte(value(r, "message"))}
		host.Rooms{}.Forward(w, r, refusal.Forward())
	}
	host.Serve(func() host.Config {
		return host.Config{Handler: mux, Classes: map[string]host.Class{"Probe": newProbe, "Program": host.NewSpace(newProgram)}}
	})
}

func number(r *web.Request, name string) int {
	n, _ := strconv.Atoi(value(r, name))
	return n
}

func answer(w web.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// hostHandles returns how many handles the host keeps for this instance.
//
//go:wasmimport tidemark_test handles
func hostHandles() int32

func overview(w web.ResponseWriter, _ *web.Request) {
	o, err := host.Overview()
	if err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	answer(w, o)
}

func stats(w web.ResponseWriter, _ *web.Request) {
	s := host.ReadStats()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	answer(w, map[string]any{
		"calls": s.Calls, "ops": s.Ops, "handles": hostHandles(),
		"goroutines": s.Goroutines, "objects": s.Objects, "boot": boot(), "memory": m.Sys, "live": m.HeapAlloc,
	})
}

// takeBody takes a body of at most ?limit= bytes. If it gets none, it
// sends 413 over the limit, 408 if the body came too slowly, 400 if it is incomplete.
func takeBody(w web.ResponseWriter, r *web.Request) (body []byte, ok bool) {
	limit := int64(math.MaxInt32)
	if value(r, "limit") != "" {
		limit = int64(number(r, "limit"))
	}
	if r.Body == nil {
		return nil, true
	}
	if value(r, "first") != "" {
		r.Body.ReadWhole(int64(number(r, "first")))
	}
	body, err := r.Body.ReadWhole(limit)
	var tooLarge *web.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		fail(w, "too large", web.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		fail(w, "too slow", web.StatusRequestTimeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		fail(w, "incomplete", web.StatusBadRequest)
	case err != nil:
		fail(w, err.Error(), web.StatusInternalServerError)
	}
	return body, err == nil
}

func echo(w web.ResponseWriter, r *web.Request) {
	if body, ok := takeBody(w, r); ok {
		answer(w, map[string]any{"method": r.Method, "url": r.URL.String(), "header": fieldsOf(r.Header), "body": string(body)})
	}
}

func insertSome(w web.ResponseWriter, r *web.Request) {
	id := value(r, "id")
	for i := range number(r, "n") {
		_, err := db.Batch(r.Context(), []abi.Statement{
			{SQL: "CREATE TABLE IF NOT EXISTS probe (id TEXT, n REAL)"},
			{SQL: "INSERT INTO probe VALUES (?1, ?2)", Args: []any{id, i}},
		})
		if err != nil {
			fail(w, err.Error(), web.StatusInternalServerError)
			return
		}
	}
	results, err := db.Batch(r.Context(), []abi.Statement{
		{SQL: "SELECT count(*) AS n FROM probe WHERE id = ?1", Args: []any{id}},
	})
	if err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	answer(w, results[0].Rows[0][0])
}

func batch(w web.ResponseWriter, r *web.Request) {
	body, ok := takeBody(w, r)
	if !ok {
		return
	}
	var in [][]any
	if err := json.Unmarshal(body, &in); err != nil {
		fail(w, err.Error(), web.StatusBadRequest)
		return
	}
	var statements []abi.Statement
	for _, s := range in {
		statements = append(statements, abi.Statement{SQL: s[0].(string), Args: s[1:]})
	}
	results, err := db.Batch(r.Context(), statements)
	if err != nil {
		answer(w, map[string]any{"error": err.Error()})
		return
	}
	answer(w, map[string]any{"results": readable(results)})
}

// readable is results with texts as strings, for JSON.
func readable(results []abi.Result) []map[string]any {
	out := []map[string]any{}
	for _, res := range results {
		rows := [][]any{}
		for _, row := range res.Rows {
			for i, cell := range row {
				if text, ok := cell.(abi.Text); ok {
					row[i] = string(text)
				}
			}
			rows = append(rows, row)
		}
		out = append(out, map[string]any{"changes": res.Changes, "columns": res.Columns, "rows": rows})
	}
	return out
}

// fetch sends the header x: y, and shows that of the answer.
func fetch(w web.ResponseWriter, r *web.Request) {
	got, err := host.Web{}.Fetch(r.Context(), abi.Fetch{
		Request: abi.Request{Method: value(r, "method"), URL: value(r, "url"), Header: [][2]string{{"x", "y"}}},
		Body:    []byte(value(r, "body")),
		Timeout: time.Duration(number(r, "ms")) * time.Millisecond, MaxBytes: number(r, "max"), Reach: abi.Reach(number(r, "reach")),
	})
	if err != nil {
		answer(w, map[string]any{"error": err.Error()})
		return
	}
	answer(w, map[string]any{"status": got.Status, "body": string(got.Body), "x": got.Get("X"), "type": got.Get("content-type")})
}

// waited waits for /wake. It returns false, and sends 504, if the request ends before.
func waited(w web.ResponseWriter, r *web.Request, key string) bool {
	pause, err := host.NewPause(r.Context())
	if err == nil {
		waits[key] = pause
		err = pause.Wait()
	}
	if err != nil {
		delete(waits, key)
		fail(w, "gave up", web.StatusGatewayTimeout)
	}
	return err == nil
}

func wake(key string) bool {
	pause, waiting := waits[key]
	if waiting {
		delete(waits, key)
		pause.Wake()
	}
	return waiting
}

func waitFor(w web.ResponseWriter, r *web.Request, key string) {
	if !waited(w, r, key) {
		return
	}
	results, err := db.Batch(r.Context(), []abi.Statement{{SQL: "SELECT 'from the op' AS v"}})
	if err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	w.Write(results[0].Rows[0][0].(abi.Text))
}

//go:noinline
func recurse(n int) int {
	//lint:ignore SA5007 that is what the route is for
	return recurse(n+1) + n
}

// turns keeps loop's from being optimized away.
var turns uint64

func loop() {
	for {
		turns++
	}
}

func spin(millis int) {
	for end := time.Now().Add(time.Duration(millis) * time.Millisecond); time.Now().Before(end); {
		for range 1 << 17 { // as work that asks the host for nothing
			turns++
		}
	}
}

func allocate(w web.ResponseWriter, r *web.Request) {
	held = nil
	var blocks [][]byte
	for range number(r, "mb") {
		blocks = append(blocks, bytes.Repeat([]byte{1}, 1<<20))
	}
	if value(r, "hold") != "" {
		held = blocks
	}
	answer(w, len(blocks))
}

func callRoom(w web.ResponseWriter, r *web.Request) {
	body, ok := takeBody(w, r)
	if !ok {
		return
	}
	reply, err := host.Rooms{}.Call(r.Context(), binding, roomOf(r), body)
	if err != nil {
		fail(w, err.Error(), web.StatusInternalServerError)
		return
	}
	w.Write(reply)
}
