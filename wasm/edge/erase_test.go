//go:build !js

package edge

import (
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
)

func try(t *testing.T, o *object, statements ...string) (cell any, err error) {
	t.Helper()
	var in []abi.Statement
	for _, sql := range statements {
		in = append(in, abi.Statement{SQL: sql})
	}
	frame, err := abi.AppendStatements(nil, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.try(frame, nil)
	if err != nil {
		return nil, err
	}
	results, err := abi.DecodeResults(out)
	if err != nil {
		t.Fatal(err)
	}
	return results[len(results)-1].Rows[0][0], nil
}

func mustCommit(t *testing.T, o *object) {
	t.Helper()
	if err := o.commit(); err != nil {
		t.Fatal(err)
	}
}

// filesBelow lists the files of objects.
func filesBelow(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir && !strings.HasPrefix(d.Name(), "alarms.") {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestATrialInAnObjectWithoutAFileMakesNone(t *testing.T) {
	dir := t.TempDir()
	o := storageObject(t, dir)
	for range 2 {
		got, err := try(t, o, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1), (2)", "SELECT count(*) FROM t")
		if got != 2.0 || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		if _, err := try(t, o, "SELECT v FROM t"); err == nil || !strings.Contains(err.Error(), "no such table") {
			t.Errorf("got %v", err)
		}
		if n := o.size(); n != 0 {
			t.Errorf("size %d", n)
		}
		mustCommit(t, o)
	}
	if names := filesBelow(t, dir); len(names) > 0 {
		t.Errorf("files %v", names)
	}
}

func TestATrialUndoesItselfOnly(t *testing.T) {
	o := storageObject(t, t.TempDir())
	mustExec(t, o, "CREATE TABLE t (v UNIQUE)", "INSERT INTO t VALUES (1)")
	// In an event that has written, and in one that has not.
	for _, writes := range []bool{true, false} {
		if !writes {
			mustCommit(t, o)
		}
		if got, err := try(t, o, "INSERT INTO t VALUES (2)", "SELECT count(*) FROM t"); got != 2.0 || err != nil {
			t.Errorf("writes %v: got %v, %v", writes, got, err)
		}
		if _, err := try(t, o, "INSERT INTO t VALUES (3)", "INSERT INTO t VALUES (1)"); err == nil {
			t.Errorf("writes %v: no error", writes)
		}
		if got, err := try(t, o, "CREATE TABLE u (v)", "SELECT count(*) FROM t"); got != 1.0 || err != nil {
			t.Errorf("writes %v: got %v, %v", writes, got, err)
		}
		if o.writing != writes {
			t.Errorf("writing is %v, want %v", o.writing, writes)
		}
	}
	mustExec(t, o, "INSERT INTO t VALUES (4)")
	mustCommit(t, o)
	if got := mustExec(t, o, "SELECT count(*) FROM t")[0].Rows[0][0]; got != 2.0 {
		t.Errorf("%v rows", got)
	}
	if _, err := exec(t, o, "SELECT * FROM u"); err == nil {
		t.Error("a trial made a table")
	}
}

func TestTheSizeOfAnObjectIsThatOfItsPages(t *testing.T) {
	o := storageObject(t, t.TempDir())
	mustExec(t, o, "CREATE TABLE t (v)")
	before := o.size()
	mustExec(t, o, "INSERT INTO t VALUES (zeroblob(1000000))")
	if grown := o.size() - before; before < 1 || grown < 950 || grown > 1100 {
		t.Errorf("%d units, and %d more for 1,000,000 bytes", before, grown)
	}
	o.rollBack()
	if got := o.size(); got > before {
		t.Errorf("%d units after a rollback, %d before", got, before)
	}
	o.closeEvent()
}

// What waited in an object that was erased waits no more.
func TestAnErasedObjectHasNoGauges(t *testing.T) { // M2
	o := storageObject(t, t.TempDir())
	counted := metric.Append(nil, []metric.Count{{Metric: metric.WebhooksWaiting, Value: 3}, {Metric: metric.CopiesBehind, Value: 1}})
	o.s.w.metrics.Report(o.source(), counted)
	mustExec(t, o, "CREATE TABLE t (v)")
	mustCommit(t, o)
	o.erasing = true
	mustCommit(t, o)
	rw := httptest.NewRecorder()
	o.s.w.metrics.Handler().ServeHTTP(rw, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{"\ntidemark_webhooks_waiting 0\n", "\ntidemark_copies_behind_seconds 0\n"} {
		if !strings.Contains(rw.Body.String(), want) {
			t.Errorf("no %q in %s", want, rw.Body)
		}
	}
}

func TestAnErasedObjectIsLikeNew(t *testing.T) {
	dir := t.TempDir()
	o := storageObject(t, dir)
	mustExec(t, o, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)")
	o.setAlarm(float64(o.s.w.clock.Now().UnixMilli() + 1e6))
	mustCommit(t, o)
	o.ended(errEnded)
	id := o.id
	c := &conn{id: 1, o: o, writing: true}
	o.conns[1] = c

	mustExec(t, o, "INSERT INTO t VALUES (2)")
	o.setAlarm(float64(o.s.w.clock.Now().UnixMilli() + 2e6))
	o.erasing = true
	o.close(1, 4404, "erased")
	for name, err := range map[string]error{
		"exec": func() error { _, err := exec(t, o, "SELECT 1"); return err }(),
		"try":  func() error { _, err := try(t, o, "SELECT 1"); return err }(),
	} {
		if err != errErased {
			t.Errorf("%s in the same event: %v", name, err)
		}
	}
	if n := o.size(); n != 0 {
		t.Errorf("size %d", n)
	}
	mustCommit(t, o)

	if names := filesBelow(t, dir); !slices.Equal(names, []string{"do", "C"}) {
		t.Errorf("files %v", names)
	}
	o.s.w.alarms.each(func(objectKey, float64, int) { t.Error("an alarm is left") })
	if n := o.s.w.ends(o.key); n != 0 || o.alarm.set() || o.alarm.notBefore != 0 {
		t.Errorf("%d ends, alarm %+v", n, o.alarm)
	}
	if o.id == id {
		t.Error("the guest takes it for the old object")
	}
	if len(c.queue) != 1 || c.queue[0].code != 4404 {
		t.Errorf("queue %v", c.queue)
	}
	if _, err := exec(t, o, "SELECT v FROM t"); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("got %v", err)
	}
	mustExec(t, o, "CREATE TABLE t (v)", "INSERT INTO t VALUES (3)")
	mustCommit(t, o)
	if got, _ := try(t, o, "SELECT group_concat(v) FROM t"); string(got.(abi.Text)) != "3" {
		t.Errorf("got %s", got)
	}
	o.closeEvent()
}

func TestAnErasureThatFailsLeavesTheObjectWhole(t *testing.T) {
	dir := t.TempDir()
	o := storageObject(t, dir)
	mustExec(t, o, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)")
	mustCommit(t, o)
	o.erasing = true
	o.rollBack() // the instance ended in the event
	if got, err := try(t, o, "SELECT count(*) FROM t"); got != 1.0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	o.closeEvent()

	o.s.w.files.shut(o.path, (*sqliteConn).leave)
	if err := os.Rename(o.path, o.path+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(o.path, "in the way"), 0o700); err != nil { // no file, so no process can delete it
		t.Fatal(err)
	}
	at := float64(o.s.w.clock.Now().UnixMilli() + 1e6)
	o.setAlarm(at)
	mustCommit(t, o)
	o.erasing = true
	if err := o.commit(); err == nil {
		t.Error("no error")
	}
	if o.alarm.at != at || o.erasing {
		t.Errorf("alarm %v, erasing %v", o.alarm.at, o.erasing)
	}
}

// The process ends after the first step of an erasure: the log is still there.
func TestACrashWithinAnErasureLeavesNothingOfTheObject(t *testing.T) {
	o := storageObject(t, t.TempDir())
	mustExec(t, o, "CREATE TABLE t (v)", "INSERT INTO t VALUES (1)")
	mustCommit(t, o)
	o.s.w.files.end((*sqliteConn).abandon)
	if info, err := os.Stat(o.path + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("no log: %v", err)
	}
	if err := os.Remove(o.path); err != nil {
		t.Fatal(err)
	}
	if got, err := try(t, o, "SELECT count(*) FROM sqlite_master"); got != 0.0 || err != nil {
		t.Errorf("a trial finds %v, %v", got, err)
	}
	mustCommit(t, o)
	if got := mustExec(t, o, "SELECT count(*) FROM sqlite_master")[0].Rows[0][0]; got != 0.0 {
		t.Errorf("%v tables", got)
	}
}
