//go:build !js

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store/tickets"
)

// A place is a folder with the data of a server with the real guest.
type place struct {
	*testing.T
	dir   string
	serve []string // flags
}

func newPlace(t *testing.T) *place {
	t.Helper()
	t.Setenv("AUTH_SECRET", testSecret)
	t.Setenv("AUTH_ISSUER", "") // as the tests of others leave it
	dir := t.TempDir()
	wasm := filepath.Join(dir, "tidemark.wasm")
	if err := os.WriteFile(wasm, wasmtest.Build(t, "./worker"), 0o644); err != nil {
		t.Fatal(err)
	}
	return &place{t, dir, []string{"--config", "../../../wrangler.toml", "--wasm", wasm}}
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) start(options ...string) *server {
	p.Helper()
	return startServer(p.T, p.dir, append(p.serve, options...)...)
}

func (p *place) stop(s *server) {
	s.Process.Kill()
	s.Wait()
}

// run runs a command, which must succeed.
func (p *place) run(args ...string) string {
	p.Helper()
	out, stderr, code := command(p.T, args...)
	if code != 0 {
		p.Fatalf("%s: %s", args, stderr)
	}
	return out
}

func (p *place) restore(from string) string {
	p.Helper()
	return p.run(append([]string{"restore", "--from", from, "--data", p.path("data")}, p.serve...)...)
}

// refused runs a command, which must fail for a reason.
func (p *place) refused(reason string, args ...string) {
	p.Helper()
	out, stderr, code := command(p.T, args...)
	if code == 0 || !strings.Contains(stderr, reason) {
		p.Errorf("%s: exit %d, %s%s\nwant %s", args, code, out, stderr, reason)
	}
}

// push pushes a row, and returns the stamp of the push.
func (s *server) push(t *testing.T, space, id string, lastPulledAt int64) int64 {
	t.Helper()
	var answer struct {
		Result struct{ Data struct{ Timestamp int64 } }
	}
	text := s.call(t, "sync.push", space, fmt.Sprintf(`{"lastPulledAt":%d,"changes":{"customers":{"created":[],"updated":[{"id":%q,"created_at":1,"updated_at":1}],"deleted":[]}}}`, lastPulledAt, id))
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(text, err)
	}
	return answer.Result.Data.Timestamp
}

// rows pulls the changes after a stamp. It says which rows there are, and whether they stand for all that a
// client has.
func (s *server) rows(t *testing.T, space string, since int64) (ids []string, replacement bool) {
	t.Helper()
	var answer struct {
		Result struct {
			Data struct {
				Changes map[string]struct{ Updated []struct{ ID string } }
				Replace bool `json:"experimentalStrategy"`
			}
		}
	}
	text := s.call(t, "sync.pull", space, fmt.Sprintf(`{"lastPulledAt":%d}`, since))
	json.Unmarshal([]byte(text), &answer)
	for _, row := range answer.Result.Data.Changes["customers"].Updated {
		ids = append(ids, row.ID)
	}
	return ids, strings.Contains(text, `"replacement"`)
}

// operate sends a request as an operator.
func (s *server) operate(t *testing.T, method, path, body string) string {
	t.Helper()
	token, err := sign(testSecret, claims{sub: "me", scope: "sync:admin spaces:admin", spaces: `["","*"]`, ttl: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequest(method, s.url+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, text, err)
	}
	return string(text)
}

func TestARestoreSetsTheFloorsOfTheRootAndOfEverySpace(t *testing.T) { // B2
	p := newPlace(t)
	places := []string{"", "acme", "paused"}
	s := p.start()
	stamps := map[string]int64{}
	for _, space := range places {
		stamps[space] = s.push(t, space, "kept", 1)
	}
	s.operate(t, "POST", "/s/paused/pause", "")
	p.run("backup", "--data", p.path("data"), "--to", p.path("backup"))
	for _, space := range places[:2] {
		stamps[space] = s.push(t, space, "lost", stamps[space])
	}
	s.push(t, "born-later", "lost", 1)
	s.operate(t, "POST", "/auth/revoke", `{"sub":"eve"}`)
	p.refused("a server uses the folder", append([]string{"restore", "--from", p.path("backup"), "--data", p.path("data")}, p.serve...)...)
	p.stop(s)

	t.Setenv("AUTH_ISSUER", "https://issuer.example") // the restore does not ask for the issuer's keys
	out := p.restore(p.path("backup"))
	t.Setenv("AUTH_ISSUER", "")
	if !strings.Contains(out, "the root and of 2 spaces") {
		t.Errorf("printed %s", out)
	}
	s = p.start()
	s.operate(t, "POST", "/s/paused/resume", "") // it was still paused
	for _, space := range places {
		if ids, whole := s.rows(t, space, stamps[space]); fmt.Sprint(ids) != "[kept]" || !whole {
			t.Errorf("%q: a client that was ahead of the backup gets %v, a replacement: %v", space, ids, whole)
		}
	}
	if spaces := s.operate(t, "GET", "/spaces", ""); strings.Contains(spaces, "later") {
		t.Errorf("the spaces are %s", spaces)
	}
	p.stop(s)
	db, err := edge.OpenD1(edge.D1File(p.path("data"), rootBinding))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	revoked, _, err := tickets.NewSessions(db).Revocations(t.Context(), 0)
	if err != nil || len(revoked) != 1 || revoked[0].Subject != "eve" {
		t.Errorf("the revocations since the backup: %v, %v", revoked, err)
	}
	if old, _ := filepath.Glob(p.path("data.old-*/d1/DB.sqlite")); len(old) != 1 {
		t.Errorf("the old folder is not there: %v", old)
	}
}

func TestARestoreIsRefused(t *testing.T) { // B2, F5
	p := newPlace(t)
	s := p.start()
	s.push(t, "", "a", 1)
	p.run("backup", "--data", p.path("data"), "--to", p.path("backup"))
	p.refused("inside of the data folder", "backup", "--data", p.path("data"), "--to", p.path("data/do/x"))
	p.refused("is not empty", "backup", "--data", p.path("data"), "--to", p.path("backup"))
	p.stop(s)
	p.refused("is not empty", "backup", "--data", p.path("data"), "--to", p.path("backup")) // by the command itself
	before := filesOf(t, p.path("data"))
	args := append([]string{"restore", "--data", p.path("data"), "--from"}, p.path("backup"))
	change := func(reason, file, text string) {
		t.Helper()
		old, err := os.ReadFile(p.path(file))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(p.path(file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.refused(reason, append(args, p.serve...)...)
		if old == nil {
			os.Remove(p.path(file))
		} else {
			os.WriteFile(p.path(file), old, 0o600)
		}
	}
	manifest, err := os.ReadFile(p.path("backup/manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	newer := strings.Replace(string(manifest), fmt.Sprintf(`"storage": %d`, storageNumber), `"storage": 99`, 1)
	change("a newer version", "backup/manifest.json", newer)
	change("is damaged", "backup/d1/DB.sqlite", "damaged")
	change("not in the manifest", "backup/d1/MORE.sqlite", "")
	if err := os.Mkdir(p.path("data.new"), 0o700); err != nil {
		t.Fatal(err)
	}
	change("is in the way", "data.new/mine", "")
	os.Remove(p.path("data.new"))
	p.refused("tidemark restored --url", "restore", "--url", "http://127.0.0.1:1", "--data", p.path("data"))
	p.refused("is no data folder", "restore", "--from", p.path("backup"), "--data", p.dir)
	if after := filesOf(t, p.path("data")); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the data folder is not as it was")
	}
}

func TestAServerDoesNotBeginWithAnEmptyFolderBetweenTheRenamesOfARestore(t *testing.T) { // B3
	p := newPlace(t)
	s := p.start()
	s.push(t, "", "a", 1)
	p.run("backup", "--data", p.path("data"), "--to", p.path("backup"))
	p.stop(s)
	if err := os.Rename(p.path("data"), p.path("elsewhere")); err != nil { // to which a link leads
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", p.path("data")); err != nil {
		t.Fatal(err)
	}
	p.restore(p.path("backup"))
	if old, _ := filepath.Glob(p.path("elsewhere.old-*/d1/DB.sqlite")); len(old) != 1 {
		t.Errorf("the old folder, to which a link leads, is not there: %v", old)
	}
	if err := os.Remove(p.path("data")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.path("elsewhere"), p.path("data.new")); err != nil { // where the restore was between the two
		t.Fatal(err)
	}
	p.refused("a restore was cut off", append([]string{"serve", "--addr", "127.0.0.1:0", "--data", p.path("data")}, p.serve...)...)
	p.restore(p.path("backup"))
	s = p.start()
	if ids, _ := s.rows(t, "", 1); fmt.Sprint(ids) != "[a]" {
		t.Errorf("rows %v", ids)
	}
}

func TestAServerBacksItselfUp(t *testing.T) { // B1
	p := newPlace(t)
	folder := p.path("backups")
	half := filepath.Join(folder, "2020-01-01T00-00-00.000Z")
	for _, dir := range []string{half, filepath.Join(folder, "mine")} {
		if err := os.MkdirAll(filepath.Join(dir, "d1"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p.refused("inside of the data folder", append([]string{"serve", "--data", p.path("data"), "--backup-to", p.path("data/backups")}, p.serve...)...)
	s := p.start("--backup-to", folder, "--backup-every", "1s", "--backup-keep", "2")
	s.push(t, "acme", "a", 1)
	backups := edge.Backups{Folder: folder, Keep: 2}
	var seen []string
	wasmtest.Until(t, "four backups", func() bool {
		last, _, err := backups.Last()
		if err != nil {
			t.Fatal(err)
		}
		if last != "" && (len(seen) == 0 || seen[len(seen)-1] != last) {
			seen = append(seen, last)
		}
		return len(seen) >= 4 && strings.Count(s.log.String(), "msg=backup") >= 4
	})
	p.stop(s)
	if err := backups.Sweep(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 3 || left[2].Name() != "mine" {
		t.Errorf("what is left: %v, %v", left, err)
	}
	space := func(n int) os.FileInfo {
		found, _ := filepath.Glob(filepath.Join(folder, left[n].Name(), "do/Space/*.sqlite"))
		if len(found) != 1 {
			t.Fatalf("%v", found)
		}
		info, err := os.Stat(found[0])
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if !os.SameFile(space(0), space(1)) {
		t.Error("a file that did not change was copied again")
	}
	p.restore(filepath.Join(folder, left[1].Name()))
	s = p.start()
	if ids, _ := s.rows(t, "acme", 1); fmt.Sprint(ids) != "[a]" {
		t.Errorf("rows %v", ids)
	}
}

func TestOnlyWhoReadsTheDataFolderAsksForABackup(t *testing.T) {
	p := newPlace(t)
	s := p.start()
	text, err := os.ReadFile(p.path("data/control"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(p.path("data/control"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	var there contact
	if err := json.Unmarshal(text, &there); err != nil || !strings.HasPrefix(there.Address, "127.0.0.1:") {
		t.Fatalf("%s: %v", text, err)
	}
	for _, secret := range []string{"", "x", there.Secret + "x"} {
		r, _ := http.NewRequest("POST", "http://"+there.Address+"/backup", strings.NewReader(`{"to":"`+p.path("stolen")+`"}`))
		r.Header.Set("Authorization", secret)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 403 {
			t.Errorf("with the secret %q: %d", secret, res.StatusCode)
		}
	}
	if _, err := os.Stat(p.path("stolen")); err == nil {
		t.Error("there is a backup")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := backup(ended, p.path("data"), p.path("ended"), io.Discard, slog.Default()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	p.stop(s)
	p.run("backup", "--data", p.path("data"), "--to", p.path("backup")) // the file is of the server that was killed
}
