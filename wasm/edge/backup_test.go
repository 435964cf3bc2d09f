//go:build !js

package edge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

// restored copies a backup to a new data folder and serves it.
func restored(t testing.TB, folder string) *wasmtest.Server {
	t.Helper()
	m, err := edge.VerifyBackup(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	if err := edge.CopyBackup(t.Context(), folder, m, data); err != nil {
		t.Fatal(err)
	}
	return start(t, wasmtest.Options{Data: data})
}

func backup(t testing.TB, s *wasmtest.Server, o edge.BackupOptions) *edge.Manifest {
	t.Helper()
	m, err := s.Worker().Backup(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same reports whether two names are those of one file.
func same(t testing.TB, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(one, other)
}

func exec(t testing.TB, s *wasmtest.Server, sql string) {
	t.Helper()
	if _, err := s.Worker().D1("DB").Batch(t.Context(), []abi.Statement{{SQL: sql}}); err != nil {
		t.Fatal(err)
	}
}

// One writer after the other adds to one object after the other, and to the database at the end of
// the round. So at each instant what comes later has as many entries as what comes before it, or one less.
func TestABackupUnderLoadIsTheStateOfOneInstant(t *testing.T) { // B1
	limits := []int{4, 100}
	if testing.Short() {
		limits = limits[:1]
	}
	for _, files := range limits {
		t.Run(fmt.Sprint(files, " open files"), func(t *testing.T) { backupUnderLoad(t, files) })
	}
}

func backupUnderLoad(t *testing.T, files int) {
	const objects, writers = 8, 2
	s := start(t, wasmtest.Options{Instances: 2, OpenFiles: files, Data: filepath.Join(t.TempDir(), "data")})
	for w := range writers {
		exec(t, s, fmt.Sprintf("CREATE TABLE w%d (n)", w))
		for o := range objects { // so that a copy takes several steps, and that of the last one begins before the instant
			rows := "(VALUES (1))"
			if o == objects-1 {
				rows = "(VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11))"
			}
			want(t, s, "POST", fmt.Sprintf("/room/%d-%d/call", w, o), "sql CREATE TABLE big AS SELECT zeroblob(400000) AS v FROM "+rows, 200, "")
		}
	}
	var stop atomic.Bool
	var rounds atomic.Int64
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for round := 1; !stop.Load(); round++ {
				for o := range objects {
					want(t, s, "POST", fmt.Sprintf("/room/%d-%d/call", w, o), "add x", 200, fmt.Sprint(round))
				}
				exec(t, s, fmt.Sprintf("INSERT INTO w%d VALUES (1)", w))
				rounds.Add(1)
			}
		})
	}
	to := filepath.Join(t.TempDir(), "backup")
	for n := range 2 {
		before := rounds.Load()
		wasmtest.Until(t, "some rounds", func() bool { return rounds.Load() > before+2 })
		m := backup(t, s, edge.BackupOptions{To: filepath.Join(to, fmt.Sprint(n))})
		if len(m.Files) != writers*objects+2 {
			t.Errorf("%d files", len(m.Files))
		}
	}
	stop.Store(true)
	running.Wait()
	for n := range 2 {
		r := restored(t, filepath.Join(to, fmt.Sprint(n)))
		for w := range writers {
			last, first := 0, 0
			for o := range objects {
				var entries []string
				_, text := do(t, r, "POST", fmt.Sprintf("/room/%d-%d/call", w, o), "log")
				if err := json.Unmarshal([]byte(text), &entries); err != nil {
					t.Fatal(text, err)
				}
				if o == 0 {
					first, last = len(entries), len(entries)
				}
				if len(entries) > last || len(entries) < first-1 {
					t.Errorf("backup %d, writer %d: object %d has %d entries, the one before %d and the first one %d", n, w, o, len(entries), last, first)
				}
				last = len(entries)
			}
			rows, err := r.Worker().D1("DB").Batch(t.Context(), []abi.Statement{{SQL: fmt.Sprintf("SELECT count(*) FROM w%d", w)}})
			if err != nil {
				t.Fatal(err)
			}
			if got := int(rows[0].Rows[0][0].(float64)); got > last || got < first-1 {
				t.Errorf("backup %d, writer %d: the database has %d rows, the last object %d entries and the first one %d", n, w, got, last, first)
			}
		}
	}
}

func TestABackupHasAlarmsAndObjectsThatAreErasedMeanwhile(t *testing.T) { // B1
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock, Instances: 3, Data: filepath.Join(t.TempDir(), "data")})
	want(t, s, "POST", "/room/erased/call", "add x", 200, "1")
	want(t, s, "POST", "/room/early/call", "add x", 200, "1")
	want(t, s, "POST", "/room/early/call", "alarm 1000", 200, "planned")
	to := filepath.Join(t.TempDir(), "backup")
	s.Gate.Hold("cutting", "cut")
	done := make(chan *edge.Manifest)
	go func() { done <- backup(t, s, edge.BackupOptions{To: to}) }()
	s.Gate.Wait(t, 1)
	if s.Worker().Idle() > 0 {
		t.Error("events run at the instant of the cut")
	}
	s.Gate.Release()
	s.Gate.Wait(t, 1)
	want(t, s, "DELETE", object("erased", "enter&command=erase"), "", 200, "erased")
	want(t, s, "POST", "/room/late/call", "add x", 200, "1")
	want(t, s, "POST", "/room/early/call", "add late", 200, "2")
	clock.Advance(time.Hour) // the alarm runs
	eventually(t, s, "early", "log", `["x","late","alarm"]`)
	s.Gate.Open()
	if m := <-done; len(m.Files) != 4 {
		t.Errorf("files %v", m.Files)
	}
	r := restored(t, to)
	want(t, r, "POST", "/room/erased/call", "log", 200, `["x"]`)
	want(t, r, "POST", "/room/late/call", "log", 200, `[]`)
	eventually(t, r, "early", "log", `["x","alarm"]`)
}

// The object is erased after the backup has chosen its file, and before it opens the file.
func TestABackupHasAnObjectThatIsErasedBeforeItsTurn(t *testing.T) { // B1
	s := start(t, wasmtest.Options{Data: filepath.Join(t.TempDir(), "data")})
	want(t, s, "POST", "/room/erased/call", "add x", 200, "1")
	to := filepath.Join(t.TempDir(), "backup")
	s.Gate.Hold("copy")
	done := make(chan error)
	go func() {
		_, err := s.Worker().Backup(t.Context(), edge.BackupOptions{To: to})
		done <- err
	}()
	s.Gate.Wait(t, 1)
	want(t, s, "DELETE", object("erased", "enter&command=erase"), "", 200, "erased")
	s.Gate.Open()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want(t, restored(t, to), "POST", "/room/erased/call", "log", 200, `["x"]`)
}

func TestABackupSharesWhatDidNotChange(t *testing.T) { // B1
	data, folder := filepath.Join(t.TempDir(), "data"), t.TempDir()
	s := start(t, wasmtest.Options{Data: data})
	for n := range 4 {
		want(t, s, "POST", fmt.Sprintf("/room/%d/call", n), "add x", 200, "1")
	}
	exec(t, s, "CREATE TABLE t (n)")
	last := ""
	take := func(name string) *edge.Manifest {
		t.Helper()
		o := edge.BackupOptions{To: filepath.Join(folder, name), Last: last, Chain: true}
		m := backup(t, s, o)
		last = o.To
		if _, err := edge.VerifyBackup(t.Context(), o.To); err != nil {
			t.Error(err)
		}
		return m
	}
	shared := func(a, b string, m *edge.Manifest) (n int) {
		t.Helper()
		for _, f := range m.Files {
			if same(t, filepath.Join(folder, a, f.Name), filepath.Join(folder, b, f.Name)) {
				n++
			}
		}
		return n
	}
	m := take("1")
	copied := s.Gate.Count("copy")
	take("2")
	if n := shared("1", "2", m); n != 6 || s.Gate.Count("copy") != copied {
		t.Errorf("%d files are shared, and the server has copied %d", n, s.Gate.Count("copy")-copied)
	}
	want(t, s, "POST", "/room/1/call", "add y", 200, "2")
	want(t, s, "POST", "/room/2/call", "log", 200, `["x"]`)
	take("3")
	if n := shared("2", "3", m); n != 5 || s.Gate.Count("copy") != copied+1 {
		t.Errorf("%d files are shared, and the server has copied %d", n, s.Gate.Count("copy")-copied)
	}
	// A server that was killed does not know what changed, and so it looks.
	s.Crash()
	want(t, s, "POST", "/room/0/call", "add y", 200, "2")
	take("4")
	if n := shared("3", "4", m); n != 5 {
		t.Errorf("%d files are shared after a crash", n)
	}
	// A backup that fails, and one to another place, change nothing of that.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Worker().Backup(ended, edge.BackupOptions{To: filepath.Join(folder, "5"), Last: last, Chain: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	want(t, s, "POST", "/room/3/call", "add y", 200, "2")
	backup(t, s, edge.BackupOptions{To: filepath.Join(folder, "elsewhere")})
	take("6")
	if n := shared("4", "6", m); n != 5 {
		t.Errorf("%d files are shared", n)
	}
	r := restored(t, last)
	for n, log := range []string{`["x","y"]`, `["x","y"]`, `["x"]`, `["x","y"]`} {
		want(t, r, "POST", fmt.Sprintf("/room/%d/call", n), "log", 200, log)
	}
}

func TestABackupOfAFolderWithoutAServer(t *testing.T) { // B1
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, wasmtest.Options{Data: data})
	want(t, s, "POST", "/room/a/call", "add x", 200, "1")
	exec(t, s, "CREATE TABLE t (n)")
	s.Worker().ForTests().Crash()
	if err := os.WriteFile(filepath.Join(data, "tidemark.json"), []byte(`{"storage":3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "backup")
	m, err := edge.BackupFolder(t.Context(), data, edge.BackupOptions{To: to, Version: "v1", Storage: 3, Stamp: "SELECT count(*) + 8 FROM t"}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(m.Version, m.Storage)
	for _, f := range m.Files {
		got += fmt.Sprint(" ", f.Name[:min(len(f.Name), 9)], " ", f.Stamp)
	}
	if got != "v13 d1/DB.sql 8 do/Probe/ 0 do/alarms 0 tidemark. 0" {
		t.Errorf("got %s", got)
	}
	r := restored(t, to)
	want(t, r, "POST", "/room/a/call", "log", 200, `["x"]`)
}

func TestABackupGoesToNoFolderOfOthers(t *testing.T) { // B1
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, wasmtest.Options{Data: data})
	used := t.TempDir()
	for _, name := range []string{"mine", "unfinished"} {
		if err := os.WriteFile(filepath.Join(used, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	for folder, reason := range map[string]string{
		data: "inside", filepath.Join(data, "do", "x"): "inside", filepath.Join(link, "new", "x"): "inside", used: "not empty",
	} {
		if _, err := s.Worker().Backup(t.Context(), edge.BackupOptions{To: folder}); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v", folder, err)
		}
	}
	if _, err := os.Stat(filepath.Join(used, "mine")); err != nil {
		t.Error(err)
	}
}

func TestADamagedBackupIsRefused(t *testing.T) { // B2
	s := start(t, wasmtest.Options{Data: filepath.Join(t.TempDir(), "data")})
	want(t, s, "POST", "/room/a/call", "add x", 200, "1")
	to := filepath.Join(t.TempDir(), "backup")
	backup(t, s, edge.BackupOptions{To: to})
	manifest := filepath.Join(to, "manifest.json")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(file string, at int) func() {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content[(at+len(content))%len(content)] ^= 1
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return func() {
			content[(at+len(content))%len(content)] ^= 1
			os.WriteFile(file, content, 0o600)
		}
	}
	write := func(file, content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	alarms, strange := filepath.Join(to, "do", "alarms.sqlite"), filepath.Join(to, "do", "Probe", "x.sqlite-wal")
	for _, c := range []struct {
		reason string
		damage func() (mend func())
	}{
		{"is damaged", func() func() { return flip(alarms, 500) }},
		{"is damaged", func() func() { return flip(alarms, -1) }},
		{"no such file", func() func() {
			os.Rename(alarms, alarms+"x")
			os.Rename(alarms+"x", filepath.Join(to, "..", "x"))
			return func() { os.Rename(filepath.Join(to, "..", "x"), alarms) }
		}},
		{"not in the manifest", func() func() { write(strange, ""); return func() { os.Remove(strange) } }},
		{"no backup", func() func() { os.Remove(manifest); return func() { write(manifest, string(text)) } }},
		{"unexpected EOF", func() func() {
			write(manifest, string(text[:len(text)/2]))
			return func() { write(manifest, string(text)) }
		}},
		{"format 2", func() func() {
			write(manifest, strings.Replace(string(text), `"format": 1`, `"format": 2`, 1))
			return func() { write(manifest, string(text)) }
		}},
		{"no backup has", func() func() {
			write(manifest, strings.Replace(string(text), "do/alarms", "../alarms", 1))
			return func() { write(manifest, string(text)) }
		}},
	} {
		mend := c.damage()
		if _, err := edge.VerifyBackup(t.Context(), to); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("got %v, want %s", err, c.reason)
		}
		mend()
		if _, err := edge.VerifyBackup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheNewestBackupsAreKept(t *testing.T) { // B1
	s := start(t, wasmtest.Options{Data: filepath.Join(t.TempDir(), "data")})
	b := edge.Backups{Folder: filepath.Join(t.TempDir(), "backups"), Keep: 2}
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var made []string
	for _, now := range []time.Time{noon, noon.Add(time.Hour), noon.Add(-24 * time.Hour)} { // the clock goes back
		to, err := b.Next(now)
		if err != nil {
			t.Fatal(err)
		}
		backup(t, s, edge.BackupOptions{To: to})
		made = append(made, filepath.Base(to))
	}
	half, err := b.Next(noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{half, filepath.Join(b.Folder, "mine")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Sweep(); err != nil {
		t.Fatal(err)
	}
	var left []string
	entries, err := os.ReadDir(b.Folder)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := append(made[1:], "mine"); err != nil || fmt.Sprint(left) != fmt.Sprint(want) {
		t.Errorf("left are %v, want %v, %v", left, want, err)
	}
	if last, _, err := b.Last(); err != nil || filepath.Base(last) != made[2] {
		t.Errorf("the last one is %s, want %s, %v", last, made[2], err)
	}
}

// SQLite copies a page that is damaged as it is. The check finds it, and there is no backup.
func TestABackupOfADamagedDatabaseFails(t *testing.T) { // B1
	s := start(t, wasmtest.Options{Data: filepath.Join(t.TempDir(), "data")})
	for n := range 50 {
		want(t, s, "POST", "/room/a/call", "add "+strings.Repeat("x", 1000), 200, fmt.Sprint(n+1))
	}
	s.Restart() // copies the log into the file
	s.Worker().ForTests().Crash()
	files, err := filepath.Glob(filepath.Join(s.Data(), "do", "Probe", "*.sqlite"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	clear(content[len(content)-4096:])
	if err := os.WriteFile(files[0], content, 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "backup")
	_, err = edge.BackupFolder(t.Context(), s.Data(), edge.BackupOptions{To: to}, slog.Default())
	if err == nil || !strings.Contains(err.Error(), "check the copy") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
}
