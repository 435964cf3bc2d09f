//go:build !js

package edge

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/metrics"
)

// storageObject is an object without a guest.
func storageObject(t *testing.T, dir string) *object {
	t.Helper()
	alarms, err := openAlarmIndex(filepath.Join(dir, "alarms.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.Default()
	w := &Worker{data: dir, clock: wallClock{}, log: log, alarms: alarms, files: newFilePool(8, log)}
	w.metrics.Metrics = metrics.New(nil)
	s := newIsolate(w)
	o := s.object(objectKey{"C", "n"})
	t.Cleanup(func() {
		o.unschedule()
		o.rollBack()
		w.files.end((*sqliteConn).close)
		alarms.end((*sqliteConn).close)
	})
	return o
}

func exec(t *testing.T, o *object, statements ...string) ([]abi.Result, error) {
	t.Helper()
	var in []abi.Statement
	for _, sql := range statements {
		in = append(in, abi.Statement{SQL: sql})
	}
	frame, err := abi.AppendStatements(nil, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.exec(frame, nil)
	if err != nil {
		return nil, err
	}
	results, err := abi.DecodeResults(out)
	if err != nil {
		t.Fatal(err)
	}
	return results, nil
}

func mustExec(t *testing.T, o *object, statements ...string) []abi.Result {
	t.Helper()
	results, err := exec(t, o, statements...)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestAnEventThatFailsLeavesNothingBehind(t *testing.T) {
	o := storageObject(t, t.TempDir())
	mustExec(t, o, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)")
	if err := o.commit(); err != nil {
		t.Fatal(err)
	}
	mustExec(t, o, "INSERT INTO t VALUES (2)")
	o.setAlarm(float64(o.s.w.clock.Now().UnixMilli() + 1e6))
	c := &conn{id: 1, o: o}
	o.conns[1] = c
	o.send(nil, abi.KindText, []byte("x"))
	o.close(1, 1000, "")
	o.rollBack()
	if got := mustExec(t, o, "SELECT count(*) FROM t")[0].Rows[0][0]; got != 1.0 {
		t.Errorf("%v rows", got)
	}
	if o.alarm.set() || len(o.sends) > 0 || len(c.queue) > 0 || c.closing {
		t.Errorf("alarm %v, sends %v, queue %v, closing %v", o.alarm, o.sends, c.queue, c.closing)
	}
}

func TestAnExecThatFailsUndoesItselfOnly(t *testing.T) {
	o := storageObject(t, t.TempDir())
	mustExec(t, o, "CREATE TABLE t (v UNIQUE)", "INSERT INTO t VALUES (1)")
	if _, err := exec(t, o, "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("no error")
	}
	if _, err := exec(t, o, "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("no error")
	}
	mustExec(t, o, "INSERT INTO t VALUES (3)")
	if err := o.commit(); err != nil {
		t.Fatal(err)
	}
	o.s.w.files.end(func(c *sqliteConn) error { c.abandon(); return nil })
	if got := mustExec(t, o, "SELECT count(*) FROM t")[0].Rows[0][0]; got != 2.0 {
		t.Errorf("%v rows", got)
	}
}

func TestACrashBeforeAnAlarmIsKnownLosesNoAlarm(t *testing.T) {
	o := storageObject(t, t.TempDir())
	at := float64(o.s.w.clock.Now().UnixMilli() + 1e6)
	o.setAlarm(at)
	if err := o.commit(); err != nil {
		t.Fatal(err)
	}
	found := 0
	o.s.w.alarms.each(func(key objectKey, when float64, _ int) {
		if key == o.key && when == at {
			found++
		}
	})
	o.setAlarm(0)
	if err := o.commit(); err != nil {
		t.Fatal(err)
	}
	o.s.w.alarms.each(func(objectKey, float64, int) { found += 10 })
	if found != 1 {
		t.Errorf("found %d", found)
	}
}

func TestAFailedCommitSendsNoAnswerAndEndsTheCallsOfTheObject(t *testing.T) {
	o := storageObject(t, t.TempDir())
	o.i = &instance{s: o.s, dead: true}
	underWay, responded := &call{s: o.s, i: o.i, object: o}, &call{s: o.s, i: o.i}
	o.calls = []*call{underWay}
	mustExec(t, o, "CREATE TABLE t (v)")
	o.answers = []heldAnswer{{responded, answer{head: []byte("200")}}}
	if responded.responded {
		t.Error("the client has the answer before the commit")
	}
	o.broken = errors.New("a write failed")
	o.s.lock()
	if err := o.commit(); err == nil {
		t.Error("no error")
	}
	o.s.unlock()
	for _, c := range []*call{underWay, responded} {
		if c.answer.lost != wasReset || !c.ended {
			t.Errorf("got %+v, ended %v", c.answer, c.ended)
		}
	}
	if len(o.calls) > 0 || o.i != nil || o.store != nil {
		t.Errorf("left: %d calls, instance %v, store %v", len(o.calls), o.i, o.store)
	}
}

func TestAnAnswerLeavesAfterTheCommit(t *testing.T) {
	o := storageObject(t, t.TempDir())
	i := &instance{s: o.s, object: o}
	c := &call{s: o.s, i: i, pending: 1}
	mustExec(t, o, "CREATE TABLE t (v)")
	i.answer(c, answer{head: []byte("200")})
	if c.responded {
		t.Error("the client has the answer before the commit")
	}
	mustCommit(t, o)
	if !c.responded || string(c.answer.head) != "200" {
		t.Errorf("got %+v", c.answer)
	}
}
