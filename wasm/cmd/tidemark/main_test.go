//go:build !js

package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

func TestATokenSaysWhomItIsFor(t *testing.T) {
	t.Setenv("AUTH_ISSUER", "")
	t.Setenv("AUTH_AUDIENCE", "")
	now := time.Unix(1_700_000_000, 0)
	text, err := sign("secret", claims{sub: "alice", scope: "sync:read", ttl: time.Hour}, now)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return []byte("secret"), nil },
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithValidMethods([]string{"HS256"}))
	if err != nil {
		t.Fatal(err)
	}
	want := jwt.MapClaims{"sub": "alice", "scope": "sync:read", "iat": 1.7e9, "exp": 1.7e9 + 3600}
	if fmt.Sprint(token.Claims) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", token.Claims, want)
	}
}

func TestATokenNamesTheIssuerAndTheAudienceThatTheServerWants(t *testing.T) {
	t.Setenv("AUTH_ISSUER", "https://a.example, https://b.example")
	t.Setenv("AUTH_AUDIENCE", "tidemark")
	text, err := sign("secret", claims{sub: "alice", ttl: time.Hour}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys := func(*jwt.Token) (any, error) { return []byte("secret"), nil }
	if _, err := jwt.Parse(text, keys, jwt.WithIssuer("https://a.example"), jwt.WithAudience("tidemark")); err != nil {
		t.Error(err)
	}
}

// The server accepts a token that was signed without --ttl.
func TestATokenLivesAsLongAsTheServerAllows(t *testing.T) {
	for variable, want := range map[string]time.Duration{
		"": 720 * time.Hour, "25h": 25 * time.Hour, "90": 90 * time.Second, "1000h": 720 * time.Hour, "soon": 720 * time.Hour,
	} {
		t.Setenv("AUTH_MAX_TTL", variable)
		if got := defaultTTL(); got != want {
			t.Errorf("AUTH_MAX_TTL=%s: got %v, want %v", variable, got, want)
		}
	}
}

func TestVariablesThatAreDeclaredReachTheGuest(t *testing.T) {
	t.Setenv("DECLARED", "1")
	t.Setenv("UNDECLARED", "2")
	t.Setenv("AUTH_ISSUER", "3")
	t.Setenv("LIMIT_DEPTH", "4")
	got := variables(&edge.Config{Vars: map[string]any{"DECLARED": ""}}, "s")
	if got["DECLARED"] != "1" || got["AUTH_ISSUER"] != "3" || got["AUTH_SECRET"] != "s" || got["LIMIT_DEPTH"] != "4" || got["UNDECLARED"] != "" {
		t.Errorf("got %v", got)
	}
}

func TestPortIsHonoured(t *testing.T) {
	t.Setenv("PORT", "")
	if got := defaultAddr(); got != "127.0.0.1:8787" {
		t.Errorf("got %s", got)
	}
	t.Setenv("PORT", "1234")
	if got := defaultAddr(); got != "127.0.0.1:1234" {
		t.Errorf("got %s", got)
	}
}

const wrangler = `
[[d1_databases]]
binding = "DB"
[[durable_objects.bindings]]
name = "PROBE"
class_name = "Probe"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Probe"]
`

// server is the command, running the test guest.
type server struct {
	*exec.Cmd
	url     string
	welcome string // the lines below the URL
	log     serverLog
}

// A serverLog may be read while the server writes it.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *serverLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var binaryFile = filepath.Join(os.TempDir(), fmt.Sprintf("tidemark-test-%d", os.Getpid()))

var binary = sync.OnceValues(func() (string, error) {
	file := binaryFile
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.Remove(binaryFile)
	os.Exit(code)
}

// startServer starts the command with these options, in addition to the required ones.
func startServer(t *testing.T, dir string, options ...string) *server {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	config, wasm := filepath.Join(dir, "wrangler.toml"), filepath.Join(dir, "guest.wasm")
	if err := os.WriteFile(config, []byte(wrangler), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wasm, wasmtest.Build(t, "./worker/testguest"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := &server{Cmd: exec.Command(file, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", filepath.Join(dir, "data"),
		"--config", config, "--wasm", wasm, "--instances", "1"}, options...)...)}
	s.Stderr = &s.log
	stdout, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill() })
	var greeting []byte
	for s.url == "" {
		b := make([]byte, 1000)
		n, err := stdout.Read(b)
		greeting = append(greeting, b[:n]...)
		if m := regexp.MustCompile(`(?s)(http://\S+)\n(.+?)\n\n`).FindSubmatch(greeting); m != nil {
			s.url, s.welcome = string(m[1]), string(m[2])
		} else if err != nil {
			s.Wait()
			t.Fatalf("%v\n%s\n%s", err, greeting, &s.log)
		}
	}
	go io.Copy(io.Discard, stdout)
	return s
}

func (s *server) get(path string) (string, error) {
	res, err := http.Get(s.url + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(b))), err
}

// underWay waits until another request is under way.
func (s *server) underWay(t *testing.T) {
	t.Helper()
	wasmtest.Until(t, "a request is under way", func() bool {
		got, _ := s.get("/stats")
		return strings.Contains(got, `"calls":2,`)
	})
}

func TestASignalLetsRequestsEndAndAKillLosesNoCommit(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	if got, err := s.get("/d1?n=2&id=a&ticket=secret"); got != "200 2" {
		t.Fatalf("got %s, %v", got, err)
	}
	slow := make(chan string)
	go func() {
		got, err := s.get("/sleep?ms=5000")
		slow <- fmt.Sprint(got, " ", err)
	}()
	s.underWay(t)
	s.Process.Signal(syscall.SIGTERM)
	if got := <-slow; got != "200 slept <nil>" {
		t.Errorf("the request under way: %s", got)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	log := s.log.String()
	if !strings.Contains(log, "method=GET path=/d1 status=200 bytes=2 duration_ms=") || strings.Contains(log, "secret") {
		t.Errorf("log: %s", log)
	}

	s = startServer(t, dir)
	if got, err := s.get("/d1?n=1&id=a"); got != "200 3" {
		t.Errorf("after a restart: %s, %v", got, err)
	}
	s.Process.Kill()
	s.Wait()
	s = startServer(t, dir)
	if got, err := s.get("/d1?n=0&id=a"); got != "200 3" {
		t.Errorf("after a kill: %s, %v", got, err)
	}
	// A second signal does not wait.
	go s.get("/sleep?ms=60000")
	s.underWay(t)
	s.Process.Signal(syscall.SIGINT)
	wasmtest.Until(t, "the first signal is heard", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	s.Process.Signal(syscall.SIGINT)
	if err := s.Wait(); err == nil || s.ProcessState.ExitCode() != 1 {
		t.Errorf("exit after two signals: %v", err)
	}
}

func TestTheTokenCommandPrintsATokenAndNothingElse(t *testing.T) {
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(file, "token", "--data", filepath.Join(t.TempDir(), "data"), "--sub", "alice").Output()
	if err != nil || !regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+\n$`).Match(out) {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := exec.Command(file, "token", "--data", t.TempDir()).Output(); err == nil || len(out) > 0 {
		t.Errorf("without --sub: %q, %v", out, err)
	}
}

func TestTheTokenCommandSaysWhatMakesItsTokenUseless(t *testing.T) {
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	says := func(scope string) string {
		c := exec.Command(file, "token", "--data", data, "--sub", "a", "--scope", scope)
		c.Env = append(os.Environ(), "AUTH_SECRET=")
		var stderr strings.Builder
		c.Stderr = &stderr
		if err := c.Run(); err != nil {
			t.Error(err)
		}
		return stderr.String()
	}
	if said := says("sync:read,sync:write"); !strings.Contains(said, "made a new secret") || !strings.Contains(said, "[sync:read,sync:write]") {
		t.Error(said)
	}
	if said := says("sync:read sync:write"); said != "" {
		t.Errorf("with the secret: %s", said)
	}
}

func TestACommandThatIsWrittenWronglyDoesNothing(t *testing.T) {
	t.Setenv("AUTH_SECRET", "secret")
	dir := filepath.Join(t.TempDir(), "data")
	for command, want := range map[string]string{
		"serve --data " + dir + " 127.0.0.1:9000":        `unexpected argument "127.0.0.1:9000"`,
		"serve --data " + dir + " --instances -1":        "serve: --instances is negative",
		"token --data " + dir + " --sub alice bob":       `unexpected argument "bob"`,
		"token --data " + dir + " --sub alice --ttl -1h": "token: --ttl -1h0m0s is over before it begins",
		"restore http://127.0.0.1:1":                     `unexpected argument "http://127.0.0.1:1"`,
	} {
		if err := run(strings.Fields(command)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", command, err, want)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder was made")
	}
}

func TestNoClientCanHoldAConnectionForEver(t *testing.T) {
	const callLimit = time.Hour
	s := newServer(http.NotFoundHandler(), callLimit, slog.Default())
	for phase, limit := range map[string]time.Duration{"header": s.ReadHeaderTimeout, "next request": s.IdleTimeout} {
		if limit <= 0 {
			t.Errorf("no limit of the %s", phase)
		}
	}
	for phase, limit := range map[string]time.Duration{"body": s.ReadTimeout, "answer": s.WriteTimeout} {
		if limit <= callLimit {
			t.Errorf("the %s may take %v, and a call %v", phase, limit, callLimit)
		}
	}
}

func TestTheFilesOfObjectsLeaveDescriptorsForConnections(t *testing.T) {
	if got := fitFiles(1); got != 1 {
		t.Errorf("1 file: got %d", got)
	}
	most := fitFiles(1 << 30)
	if most > openFiles()/8 || freeFiles(most) < openFiles()/2 {
		t.Errorf("of %d descriptors: %d files, %d connections", openFiles(), most, freeFiles(most))
	}
	if err := run([]string{"serve", "--open-files", "0"}); err == nil || !strings.Contains(err.Error(), "--open-files") {
		t.Errorf("--open-files 0: got %v", err)
	}
}

func TestAServerWithOneOpenFileServesManyRooms(t *testing.T) {
	s := startServer(t, t.TempDir(), "--open-files", "1")
	for round := range 2 {
		for n := range 5 {
			res, err := http.Post(fmt.Sprintf("%s/room/%d/call", s.url, n), "", strings.NewReader("add x"))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if string(got) != fmt.Sprint(round+1) {
				t.Errorf("room %d: got %s, want %d", n, got, round+1)
			}
		}
	}
}
