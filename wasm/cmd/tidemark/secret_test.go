//go:build !js

package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tidemark/wasm/edge"
)

// withoutKeys leaves no variable of authentication in the environment.
func withoutKeys(t *testing.T) {
	t.Helper()
	for _, name := range append(keyVariables, "AUTH_SECRET") {
		t.Setenv(name, "")
	}
}

// placeIn returns the secretPlace of a data folder, and its log.
func placeIn(data string) (*secretPlace, *strings.Builder) {
	var log strings.Builder
	return &secretPlace{data: data, log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

// files returns the paths below a folder, with their modes.
func files(t *testing.T, dir string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		name, _ := filepath.Rel(dir, path)
		found[name] = info.Mode().Perm()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// atOnce calls made several times at the same time, as several commands do.
func atOnce(t *testing.T, data string) []string {
	t.Helper()
	secrets := make([]string, 8)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			place, _ := placeIn(data)
			var err error
			if secrets[i], err = place.made(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return secrets
}

func TestTheSecretIsMadeUpOnceOutsideTheDataFolder(t *testing.T) {
	withoutKeys(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	secrets := atOnce(t, data)
	for _, s := range secrets {
		if s != secrets[0] || len(s) != 43 {
			t.Errorf("got %q", secrets)
		}
	}
	if got := files(t, dir); len(got) != 1 || got["data.secret"] != 0o600 {
		t.Errorf("files %v, want data.secret alone, with mode 0600", got)
	}
	place, _ := placeIn(data + "/") // as a shell completes it
	if s, err := place.made(); s != secrets[0] || err != nil {
		t.Errorf("with a slash: %q, %v", s, err)
	}
	t.Setenv("AUTH_SECRET", "from the environment")
	if s, err := place.made(); s != "from the environment" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
}

func TestASecretInTheDataFolderMovesOutOfItAndStaysGood(t *testing.T) {
	withoutKeys(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(data, "auth_secret")
	if err := os.WriteFile(old, []byte("of an older release\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	place, log := placeIn(data)
	if s, err := place.known(); s != "of an older release" || err != nil {
		t.Fatalf("got %q, %v", s, err)
	}
	if got := files(t, dir); len(got) != 1 || got["data.secret"] != 0o600 {
		t.Errorf("files %v, want data.secret alone, with mode 0600", got)
	}
	if !strings.Contains(log.String(), "moved the secret") || strings.Contains(log.String(), "older release") {
		t.Errorf("log %q", log)
	}
	// Another secret, as of an old backup, is neither trusted nor removed.
	if err := os.WriteFile(old, []byte("of a backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := place.made(); s != "of an older release" || err != nil {
		t.Errorf("beside another secret: %q, %v", s, err)
	}
	if _, err := os.Stat(old); err != nil {
		t.Errorf("the other secret: %v", err)
	}
}

func TestCommandsThatMoveTheSecretAtOnceAgree(t *testing.T) {
	withoutKeys(t)
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "auth_secret"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(atOnce(t, data), " "); got != strings.TrimSpace(strings.Repeat("old ", 8)) {
		t.Errorf("got %s", got)
	}
}

func TestASecretFileIsUsedAsItIsNamed(t *testing.T) {
	withoutKeys(t)
	dir := t.TempDir()
	place, _ := placeIn(filepath.Join(dir, "data"))
	place.file = filepath.Join(dir, "secrets", "tidemark")
	made, err := place.made()
	if again, _ := place.known(); err != nil || made == "" || again != made {
		t.Errorf("made %q, then %q, %v", made, again, err)
	}
	if got := files(t, dir); len(got) != 1 || got["secrets/tidemark"] != 0o600 {
		t.Errorf("files %v", got)
	}
	if err := os.WriteFile(place.file, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := place.made(); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file: %v", err)
	}
}

func TestWithKeysOfOthersNoSecretIsMadeUpNorTrusted(t *testing.T) {
	for _, name := range keyVariables {
		t.Run(name, func(t *testing.T) {
			withoutKeys(t)
			dir := t.TempDir()
			place, _ := placeIn(filepath.Join(dir, "data"))
			config := &edge.Config{Vars: map[string]any{name: "declared"}}
			dev := &service{serveOptions: serveOptions{dev: true}, place: place, config: config}
			if err := dev.findSecret(); dev.secret != "" || err != nil || !strings.Contains(dev.welcome, name) {
				t.Errorf("declared in wrangler.toml: %q, %q, %v", dev.secret, dev.welcome, err)
			}
			t.Setenv(name, "set")
			config.Vars = nil
			// A secret of a start without keys is not trusted, either.
			if err := os.WriteFile(place.data+".secret", []byte("left"), 0o600); err != nil {
				t.Fatal(err)
			}
			started := &service{place: place, config: config}
			if err := started.findSecret(); started.secret != "" || err != nil {
				t.Errorf("in the environment: %q, %v", started.secret, err)
			}
			if env := started.env(); env["AUTH_SECRET"] != "" || env[name] != "set" {
				t.Errorf("the guest gets %v", env)
			}
			if s, err := place.signing(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("token: %q, %v", s, err)
			}
			if s, err := (&operator{place: place}).bearer(); err == nil || !strings.Contains(err.Error(), "--token") {
				t.Errorf("operator: %q, %v", s, err)
			}
			if got := files(t, dir); len(got) != 1 {
				t.Errorf("files %v", got)
			}
			t.Setenv("AUTH_SECRET", "both")
			if err := started.findSecret(); started.secret != "both" || err != nil {
				t.Errorf("with AUTH_SECRET: %q, %v", started.secret, err)
			}
		})
	}
}

func TestOnlyDevelopmentPrintsAToken(t *testing.T) {
	withoutKeys(t)
	dir := t.TempDir()
	s := startServer(t, dir)
	if want := "make a token for it: tidemark token --sub NAME --data " + filepath.Join(dir, "data"); s.welcome != want {
		t.Errorf("serve prints %q, want %q", s.welcome, want)
	}
	s.Process.Kill()
	s.Wait()
	s = startServer(t, dir, "--dev")
	if want := "\n" + s.url + "/console\na token for an operator: ey"; !strings.HasPrefix(s.welcome, "a token for it: ey") || !strings.Contains(s.welcome, want) {
		t.Errorf("serve --dev prints %q", s.welcome)
	}
	if got := files(t, filepath.Join(dir, "data")); got["auth_secret"] != 0 {
		t.Errorf("the data folder holds the secret: %v", got)
	}
}

func TestDevelopmentListensOnLoopbackOnlyUnlessToldOtherwise(t *testing.T) {
	withoutKeys(t)
	dir := t.TempDir()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "wrangler.toml")
	if err := os.WriteFile(config, []byte(wrangler), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		out, err := exec.Command(file, "serve", "--dev", "--addr", addr, "--data", filepath.Join(dir, "data"), "--config", config).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "is no loopback address") && !strings.Contains(string(out), "listen tcp") {
			t.Errorf("%s: %v\n%s", addr, err, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data.secret")); err == nil {
		t.Error("a secret was made up")
	}
	s := startServer(t, dir, "--dev", "--dev-any-address", "--addr", "0.0.0.0:0")
	if !strings.HasPrefix(s.welcome, "a token for it: ") {
		t.Errorf("--dev-any-address: %q", s.welcome)
	}
}
