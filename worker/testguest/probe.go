//go:build js && wasm

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/abi"
	"tidemark/worker/host"
)

// Probe is a room that obeys a call or a text message
// "verb rest". It has no tables, and no file, if its name begins with "bare". The answer is the call's reply or a text to the sender:
//
//	echo TEXT           TEXT
//	all TEXT            TEXT to every socket; replies how many
//	add TEXT            appends to the log in the object's storage; replies its length
//	log                 the log, as a JSON array, in order
//	sql SQL             the first cell, or "error: …"
//	try SQL             the same, undone; several statements stand between " ; ", and the last one counts
//	write-try SQL       the same, after an insert into the table t
//	erase               erases the object and closes its sockets with 4404; "erased"
//	erase-exit          erases the object and ends the instance in the same event
//	size                what it has stored, in units of 1,024 bytes
//	wake KEY            wakes what waits for the key in this object's instance; true or false
//	waiters             how many requests wait in this object's instance
//	count               how many events this object's memory has seen: 1 after it was made anew
//	object              the object's number, class and name
//	conns               [[id, attachment], …] as JSON
//	attach TEXT         what is remembered of the sender
//	close CODE REASON   closes the sender
//	last                what conns said in the last close
//	hold MS             as timer, but the host may hold the messages of sockets until then
//	ops                 how many ops are under way
//	together            how many messages came in this event
//	timer MS            a timer; it adds "timer EVENTS" to the log. "pending" if one is set
//	alarm MS            an alarm in that many milliseconds; it adds "alarm" to the log
//	alarm-fail MS N     the same, failing N times before
//	alarm-d1 MS         the same, with a D1 op and a sleep between two entries
//	alarm-fetch MS URL  the same, with a request to another server, for at most 30 s
//	alarm-exit MS N     as alarm-fail, by ending its goroutine
//	alarm-die MS N      as alarm-fail, by a stack overflow in an event, which ends the instance
//	panic, goroutine-panic   as it says
//	overflow            recurses without end, which ends the instance
//	loop                loops without end
//	spin MS             loops until that much time has passed
//	ends                how often an instance has ended in this object
//	forgive             forgets that
//	alarm-again MS      an alarm that sets the next one for at once and then ends the instance
//
// A binary message comes back to the sender as it is, reversed. Opening a
// socket sends "open ATTACHMENT" to it; one that closes is added to the log as
// "close CODE REASON".
type probe struct {
	o      *host.Object
	bare   bool // it stores nothing by itself
	events int
	last   string

	together int // messages in this event
}

func newProbe(o *host.Object) host.Room {
	o.Autoreply("ping", "pong")
	if strings.HasPrefix(o.Name, "bare") {
		return &probe{o: o, bare: true, together: 1}
	}
	o.Exec(abi.Statement{SQL: "CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY, entry TEXT)"},
		abi.Statement{SQL: "CREATE TABLE IF NOT EXISTS plan (k TEXT PRIMARY KEY, v REAL)"})
	return &probe{o: o, together: 1}
}

func (p *probe) Connect(conn int32, attachment []byte) {
	p.events++
	p.o.Attach(conn, attachment)
	p.o.Send(abi.KindText, append([]byte("open "), attachment...), conn)
}

func (p *probe) Message(conn int32, kind int, data []byte) {
	p.events++
	if kind == abi.KindBinary {
		for i, j := 0, len(data)-1; i < j; i, j = i+1, j-1 {
			data[i], data[j] = data[j], data[i]
		}
		p.o.Send(abi.KindBinary, data, conn)
		return
	}
	if reply := p.do(conn, string(data)); reply != "" {
		p.o.Send(abi.KindText, []byte(reply), conn)
	}
}

func (p *probe) Messages(messages []abi.Message) {
	p.together = len(messages)
	for _, m := range messages {
		p.Message(m.Conn, m.Kind, m.Data)
	}
	p.together = 1
}

func (p *probe) Disconnect(conn int32, code int, reason string) {
	p.events++
	p.last = p.do(conn, "conns")
	if p.bare {
		return
	}
	p.add(fmt.Sprintf("close %d %s", code, reason))
}

func (p *probe) Call(data []byte) []byte {
	p.events++
	return []byte(p.do(0, string(data)))
}

//layout:long one case for each command
func (p *probe) do(conn int32, command string) string {
	verb, rest, _ := strings.Cut(command, " ")
	switch verb {
	case "echo":
		return rest
	case "all":
		return strconv.Itoa(p.o.Send(abi.KindText, []byte(rest)))
	case "add":
		return strconv.Itoa(p.add(rest))
	case "log":
		return p.cell(abi.Statement{SQL: "SELECT json_group_array(entry) FROM (SELECT entry FROM log ORDER BY n)"})
	case "sql":
		return p.cell(abi.Statement{SQL: rest})
	case "changes":
		return p.changes(rest)
	case "try", "write-try":
		return p.try(verb, rest)
	case "erase":
		p.o.Erase()
		conns, _ := p.o.Conns()
		for _, c := range conns {
			p.o.Close(c.ID, 4404, "erased")
		}
		return "erased"
	case "erase-exit":
		p.o.Erase()
		os.Exit(3)
	case "size":
		return strconv.Itoa(int(p.o.Size() >> 10))
	case "wake":
		return strconv.FormatBool(wake(rest))
	case "waiters":
		return strconv.Itoa(len(waits))
	case "count":
		return strconv.Itoa(p.events)
	case "object":
		return fmt.Sprintf("%d %s %s", p.o.ID, p.o.Class, p.o.Name)
	case "conns":
		conns, err := p.o.Conns()
		if err != nil {
			return "error: " + err.Error()
		}
		out := [][2]any{}
		for _, c := range conns {
			out = append(out, [2]any{c.ID, string(c.Attachment)})
		}
		b, _ := json.Marshal(out)
		return string(b)
	case "attach":
		p.o.Attach(conn, []byte(rest))
		return "attached"
	case "last":
		return p.last
	case "close":
		code, reason, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(code)
		p.o.Close(conn, n, reason)
		return ""
	case "timer", "hold":
		millis, _ := strconv.Atoi(rest)
		pending := p.o.TimerSet()
		p.o.SetTimer(time.Duration(millis)*time.Millisecond, verb == "hold")
		if pending {
			return "pending"
		}
		return "set"
	case "ops":
		return strconv.Itoa(host.ReadStats().Ops)
	case "together":
		return strconv.Itoa(p.together)
	case "overflow":
		return strconv.Itoa(recurse(1))
	case "loop":
		loop()
	case "spin":
		millis, _ := strconv.Atoi(rest)
		spin(millis)
		return "spun"
	case "ends":
		return strconv.Itoa(p.o.Ends())
	case "forgive":
		p.o.Forgive()
		return strconv.Itoa(p.o.Ends())
	case "alarm", "alarm-fail", "alarm-d1", "alarm-fetch", "alarm-exit", "alarm-die", "alarm-again":
		return p.plan(verb, strings.Fields(rest))
	case "panic":
		panic("on request")
	case "goroutine-panic":
		go panic("on request, in a goroutine")
		runtime.Gosched()
		return ""
	}
	return "error: no verb " + verb
}

func (p *probe) plan(verb string, args []string) string {
	millis, _ := strconv.Atoi(args[0])
	failures, url := 0, ""
	if len(args) > 1 && verb == "alarm-fetch" {
		url = args[1]
	} else if len(args) > 1 {
		failures, _ = strconv.Atoi(args[1])
	}
	p.o.Exec(abi.Statement{SQL: "INSERT OR REPLACE INTO plan VALUES ('fetch', ?6), ('failures', ?1), ('d1', ?2), ('exit', ?3), ('die', ?4), ('again', ?5)",
		Args: []any{failures, strings.Count(verb, "d1"), strings.Count(verb, "exit"), strings.Count(verb, "die"), strings.Count(verb, "again"), url}})
	p.o.SetAlarm(time.Now().Add(time.Duration(millis) * time.Millisecond))
	return "planned"
}

func (p *probe) Timer() {
	p.events++
	p.add("timer " + strconv.Itoa(p.events))
}

// Alarm follows the plan.
func (p *probe) Alarm(ctx context.Context) error {
	var failures, useD1, exit, die, again, url string
	err := p.o.Enter(ctx, func() {
		failures = p.cell(abi.Statement{SQL: "SELECT v FROM plan WHERE k = 'failures'"})
		useD1 = p.cell(abi.Statement{SQL: "SELECT v FROM plan WHERE k = 'd1'"})
		exit = p.cell(abi.Statement{SQL: "SELECT v FROM plan WHERE k = 'exit'"})
		die = p.cell(abi.Statement{SQL: "SELECT v FROM plan WHERE k = 'die'"})
		again = p.cell(abi.Statement{SQL: "SELECT v FROM plan WHERE k = 'again'"})
		url = p.cell(abi.Statement{SQL: "SELECT v FROM plan WHERE k = 'fetch'"})
		p.o.Exec(abi.Statement{SQL: "UPDATE plan SET v = v - 1 WHERE k = 'failures'"})
		p.add("alarm")
	})
	if err != nil {
		return err
	}
	if again == "1" {
		if err := p.o.Enter(ctx, func() { p.o.SetAlarm(time.Now()) }); err != nil {
			return err
		}
		return p.o.Enter(ctx, func() { os.Exit(3) })
	}
	if failures != "" && failures != "0" && !strings.HasPrefix(failures, "-") {
		switch {
		case exit == "1":
			runtime.Goexit()
		case die == "1":
			return p.o.Enter(ctx, func() { p.events = recurse(1) })
		}
		return fmt.Errorf("%s failures to go", failures)
	}
	if url != "" {
		begun, patience := time.Now(), 30*time.Second
		_, err := host.Web{}.Fetch(ctx, abi.Fetch{Request: abi.Request{Method: "POST", URL: url}, Timeout: patience, MaxBytes: 1000})
		return p.o.Enter(ctx, func() { p.add(fmt.Sprint("fetched ", err == nil, ", too late ", time.Since(begun) >= patience)) })
	}
	if useD1 != "1" {
		return nil
	}
	if _, err := db.Batch(ctx, []abi.Statement{{SQL: "SELECT 1"}}); err != nil {
		return err
	}
	if err := host.Sleep(ctx, 20*time.Millisecond); err != nil {
		return err
	}
	return p.o.Enter(ctx, func() { p.add("alarm after d1") })
}

func (p *probe) add(entry string) int {
	results, err := p.o.Exec(
		abi.Statement{SQL: "INSERT INTO log (entry) VALUES (?1)", Args: []any{entry}},
		abi.Statement{SQL: "SELECT count(*) FROM log"})
	if err != nil {
		return -1
	}
	return int(results[1].Rows[0][0].(float64))
}

func (p *probe) try(verb, sql string) string {
	if verb == "write-try" {
		if _, err := p.o.Exec(abi.Statement{SQL: "INSERT INTO t VALUES ('written')"}); err != nil {
			return "error: " + err.Error()
		}
	}
	var statements []abi.Statement
	for one := range strings.SplitSeq(sql, " ; ") {
		statements = append(statements, abi.Statement{SQL: one})
	}
	return cell(p.o.Try(statements...))
}

// changes runs statements and tells how many rows each changed.
func (p *probe) changes(sql string) string {
	var statements []abi.Statement
	for one := range strings.SplitSeq(sql, " ; ") {
		statements = append(statements, abi.Statement{SQL: one})
	}
	results, err := p.o.Exec(statements...)
	if err != nil {
		return "error: " + err.Error()
	}
	var numbers []string
	for _, r := range results {
		numbers = append(numbers, strconv.Itoa(r.Changes))
	}
	return strings.Join(numbers, " ")
}

// cell returns the first cell of the statement's result as text.
func (p *probe) cell(s abi.Statement) string { return cell(p.o.Exec(s)) }

// cell returns the first cell of the last result as text.
func cell(results []abi.Result, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	rows := results[len(results)-1].Rows
	if len(rows) == 0 {
		return ""
	}
	switch v := rows[0][0].(type) {
	case abi.Text:
		return string(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
