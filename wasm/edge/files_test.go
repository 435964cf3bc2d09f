//go:build !js

package edge_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tidemark/wasm/wasmtest"
)

func TestObjectsShareTheFilesThatMayBeOpen(t *testing.T) { // C2
	for _, files := range []int{1, 5} {
		t.Run(fmt.Sprint(files), func(t *testing.T) {
			s := start(t, wasmtest.Options{Instances: 3, OpenFiles: files})
			idle := dial(t, s, "0", "idle")
			idle.ask("add idle", "1")
			var most atomic.Int64
			var wg sync.WaitGroup
			for worker := range 3 {
				wg.Go(func() {
					for round := range 2 {
						for n := range 6 {
							want(t, s, "POST", object(fmt.Sprint(worker, "-", n), "enter&command=add+x"), "", 200, fmt.Sprint(round+1))
							most.Store(max(most.Load(), int64(s.Worker().OpenFiles())))
						}
					}
				})
			}
			wg.Wait()
			if most.Load() > int64(files) || most.Load() == 0 {
				t.Errorf("%d files were open at a time", most.Load())
			}
			idle.ask("log", `["idle"]`) // its file was closed, and its socket was not
			idle.ws.CloseNow()
			s.Restart()
			want(t, s, "POST", "/room/2-5/call", "log", 200, `["x","x"]`)
		})
	}
}

func TestMemoryDoesNotGrowWithTheObjectsEverSeen(t *testing.T) { // C3
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Instances: 2, OpenFiles: 4, Clock: clock})
	kept := dial(t, s, "kept", "a")
	for n := range 20 {
		want(t, s, "POST", object(fmt.Sprint("stored", n), "enter&command=add+x"), "", 200, "1")
		want(t, s, "GET", object(fmt.Sprint("bare", n), "enter&command=try+SELECT+1"), "", 200, "1")
		want(t, s, "POST", fmt.Sprintf("/room/bare-called%d/call", n), "echo x", 200, "x")
		want(t, s, "POST", fmt.Sprintf("/room/alarm%d/call", n), "alarm 1000", 200, "planned")
	}
	if n := s.Worker().Objects(); n < 20 {
		t.Errorf("%d objects, and 20 have an alarm", n)
	}
	clock.Advance(time.Second)
	for n := range 20 {
		eventually(t, s, fmt.Sprint("alarm", n), "log", `["alarm"]`)
	}
	for n := range 8 { // the last ones are forgotten, too
		want(t, s, "POST", fmt.Sprintf("/room/bare-last%d/call", n), "echo x", 200, "x")
	}
	if n := s.Worker().Objects(); n > 2*4+1 {
		t.Errorf("%d objects are in memory", n)
	}
	kept.ask("count", "2")
}

func TestReadingAnObjectThatIsNotThereStoresNothing(t *testing.T) {
	data := t.TempDir()
	s := start(t, wasmtest.Options{Data: data})
	files := func() int {
		found, err := filepath.Glob(filepath.Join(data, "do", "Probe", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	tables := "/object/bare?do=enter&command=try+CREATE+TABLE+t+(v)+%3B+INSERT+INTO+t+VALUES+('x')+%3B+SELECT+v+FROM+t"
	want(t, s, "GET", tables, "", 200, "x")
	want(t, s, "GET", object("bare", "enter&command=size"), "", 200, "0")
	if n := files(); n != 0 {
		t.Errorf("%d files", n)
	}
	want(t, s, "POST", "/room/bare/call", "sql CREATE TABLE t (v)", 200, "")
	want(t, s, "POST", "/room/bare/call", "write-try INSERT INTO t VALUES ('tried') ; SELECT group_concat(v) FROM t", 200, "written,tried")
	want(t, s, "POST", "/room/bare/call", "sql SELECT group_concat(v) FROM t", 200, "written")
	if n := files(); n == 0 {
		t.Error("no file")
	}
}

func TestAnErasedObjectIsUsedAgain(t *testing.T) {
	data := t.TempDir()
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Data: data, Clock: clock})
	a := dial(t, s, "bare", "a")
	want(t, s, "POST", "/room/bare/call", "sql CREATE TABLE t (v)", 200, "")
	want(t, s, "POST", "/room/bare/call", "sql INSERT INTO t VALUES ('old')", 200, "")
	a.ask("alarm 1000", "planned")
	want(t, s, "DELETE", object("bare", "enter&command=erase"), "", 200, "erased")
	a.wantClosed(4404, "erased")
	want(t, s, "POST", "/room/bare/call", "size", 200, "0")
	if found, _ := filepath.Glob(filepath.Join(data, "do", "Probe", "*")); len(found) > 0 {
		t.Errorf("files %v", found)
	}
	clock.Advance(time.Hour) // no alarm
	want(t, s, "POST", "/room/bare/call", "sql CREATE TABLE t (v)", 200, "")
	want(t, s, "POST", "/room/bare/call", "sql INSERT INTO t VALUES ('new')", 200, "")
	s.Crash()
	want(t, s, "POST", "/room/bare/call", "sql SELECT group_concat(v) FROM t", 200, "new")
	want(t, s, "DELETE", object("bare", "enter&command=erase"), "", 200, "erased")
	want(t, s, "DELETE", object("bare", "enter&command=erase"), "", 200, "erased")
	if _, err := os.Stat(filepath.Join(data, "do", "Probe")); err != nil {
		t.Error(err)
	}
}

// Objects that are idle point to an instance that has ended. They must not keep its memory.
func TestIdleObjectsKeepNoInstance(t *testing.T) {
	s := start(t, wasmtest.Options{})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	next := func(n int) {
		dial(t, s, fmt.Sprint("bare", n), "a")
		want(t, s, "GET", "/memory?mb=20&hold=1", "", 200, "20")
		s.Worker().ForTests().Evict()
	}
	next(0)
	before := heap()
	for n := range 8 {
		next(1 + n)
	}
	if grown := int64(heap()) - int64(before); grown > 60<<20 {
		t.Errorf("8 instances that have ended keep %d MB", grown>>20)
	}
}

func TestAMessageToASocketGoesOutAfterItsFileWasClosed(t *testing.T) {
	s := start(t, wasmtest.Options{OpenFiles: 1})
	a := dial(t, s, "a", "a")
	a.send(websocket.MessageText, "add "+strings.Repeat("x", 1000))
	a.want("1")
	want(t, s, "POST", "/room/b/call", "add x", 200, "1") // closes the file of a
	want(t, s, "POST", "/room/a/publish", "all hello", 200, "published")
	a.want("hello")
	a.ask("add y", "2")
}

// To copy a log into its file waits for the disk, so the pool leaves a short one beside it. A
// long one would make the next open slow.
func TestTheFilesThatThePoolClosesKeepShortLogs(t *testing.T) {
	data := t.TempDir()
	s := start(t, wasmtest.Options{Data: data, OpenFiles: 1})
	// logs are the bytes of the logs of the room and of another one, which is open.
	logs := func() (bytes []int64) {
		t.Helper()
		want(t, s, "POST", "/room/bare-other/call", "sql CREATE TABLE IF NOT EXISTS t (v)", 200, "")
		found, err := filepath.Glob(filepath.Join(data, "do", "Probe", "*-wal"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			bytes = append(bytes, info.Size())
		}
		return bytes
	}
	want(t, s, "POST", "/room/bare/call", "sql CREATE TABLE t (v)", 200, "")
	for n := range 3 {
		want(t, s, "POST", "/room/bare/call", "sql INSERT INTO t VALUES ('x')", 200, "")
		if got := logs(); len(got) != 2 || min(got[0], got[1]) == 0 {
			t.Errorf("the logs have %d bytes after %d rows, want two that are not empty", got, n+1)
		}
	}
	want(t, s, "POST", "/room/bare/call", "sql INSERT INTO t VALUES (zeroblob(500000))", 200, "")
	if got := logs(); len(got) != 1 || got[0] > 100_000 {
		t.Errorf("the logs have %d bytes after a long row, want only the short one", got)
	}
	want(t, s, "POST", "/room/bare/call", "sql INSERT INTO t VALUES ('y')", 200, "")
	logs()
	s.Crash()
	want(t, s, "POST", "/room/bare/call", "sql SELECT count(*) || ' ' || max(length(v)) FROM t", 200, "5 500000")
}
