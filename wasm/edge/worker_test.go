//go:build !js

package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/wasm/edge"
	"tidemark/wasm/wasmtest"
)

const testguest = "./worker/testguest"

const wrangler = `
name = "test"
[[d1_databases]]
binding = "DB"
[[durable_objects.bindings]]
name = "PROBE"
class_name = "Probe"
[[durable_objects.bindings]]
name = "PROGRAM"
class_name = "Program"
[[migrations]]
tag = "v1"
new_sqlite_classes = ["Probe", "Program"]
[vars]
GREETING = "hello"
OVERRIDDEN = "by the file"
LIMIT_BODY_BYTES = "100000"
`

func config(t testing.TB, more string) *edge.Config {
	t.Helper()
	c, err := edge.ParseConfig([]byte(wrangler + more))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func start(t testing.TB, o wasmtest.Options) *wasmtest.Server {
	t.Helper()
	o.Guest = testguest
	if o.Config == nil {
		o.Config = config(t, "")
	}
	return wasmtest.Start(t, o)
}

// do returns status and body.
func do(t testing.TB, s *wasmtest.Server, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, string(b)
}

func want(t testing.TB, s *wasmtest.Server, method, path, body string, status int, answer string) {
	t.Helper()
	gotStatus, got := do(t, s, method, path, body)
	if gotStatus != status || strings.TrimSpace(got) != answer {
		t.Errorf("%s %s: got %d %q, want %d %q", method, path, gotStatus, got, status, answer)
	}
}

type stats struct {
	Calls, Ops, Handles, Goroutines, Objects int
	Boot                                     string
	Memory, Live                             int
}

func readStats(t testing.TB, s *wasmtest.Server) (out stats) {
	t.Helper()
	_, body := do(t, s, "GET", "/stats", "")
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatalf("stats: %v: %q", err, body)
	}
	return out
}

// atRest fails unless nothing but the asking call is left in the instance.
func atRest(t testing.TB, s *wasmtest.Server, goroutines int) {
	t.Helper()
	for end := time.Now().Add(wasmtest.Patience); ; time.Sleep(2 * time.Millisecond) {
		got := readStats(t, s)
		if got.Calls == 1 && got.Ops == 0 && got.Handles == 0 && got.Goroutines <= goroutines {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left behind: %+v, want %d goroutines", got, goroutines)
		}
	}
}

func TestRequestsAndAnswers(t *testing.T) {
	s := start(t, wasmtest.Options{Env: map[string]string{"OVERRIDDEN": "by the environment"}})
	want(t, s, "GET", "/trivial", "", 200, "ok")
	want(t, s, "HEAD", "/trivial", "", 200, "")
	want(t, s, "GET", "/nowhere", "", 404, "404 page not found")
	want(t, s, "GET", "/env?name=GREETING", "", 200, "hello")
	want(t, s, "GET", "/env?name=OVERRIDDEN", "", 200, "by the environment")
	want(t, s, "GET", "/env?name=ABSENT", "", 200, "")
	want(t, s, "POST", "/slow-echo?ms=5", "slowly", 200, "slowly")

	r, _ := http.NewRequest("POST", s.URL+"/echo?q=1%202", strings.NewReader("body"))
	r.Host = "example.org"
	r.Header.Set("Cf-Connecting-Ip", "6.6.6.6")
	r.Header["X-Two"] = []string{"a", "b"}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var echo struct {
		Method, URL, Body string
		Header            http.Header
	}
	if err := json.NewDecoder(res.Body).Decode(&echo); err != nil {
		t.Fatal(err)
	}
	if echo.Method != "POST" || echo.URL != "http://example.org/echo?q=1%202" || echo.Body != "body" ||
		echo.Header.Get("X-Two") != "a, b" || strings.Join(echo.Header["Cf-Connecting-Ip"], "|") != "127.0.0.1" {
		t.Errorf("got %+v", echo)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
}

func TestConcurrentRequestsWithOpsLeaveNothingBehind(t *testing.T) {
	for _, instances := range []int{1, 3} {
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			s := start(t, wasmtest.Options{Instances: instances})
			want(t, s, "GET", "/d1?n=1&id=warm", "", 200, "1")
			before := readStats(t, s).Goroutines
			var wg sync.WaitGroup
			for n := range 50 {
				wg.Go(func() { want(t, s, "GET", fmt.Sprintf("/d1?n=4&id=%d", n), "", 200, "4") })
			}
			wg.Wait()
			if instances == 1 {
				atRest(t, s, before)
			}
		})
	}
}

func TestD1ThroughTheGuest(t *testing.T) {
	s := start(t, wasmtest.Options{})
	want(t, s, "POST", "/batch", `[["SELECT ?1 AS a, ?2 AS b, NULL AS c", "é", 2.5]]`, 200,
		`{"results":[{"changes":0,"columns":["a","b","c"],"rows":[["é",2.5,null]]}]}`)
	want(t, s, "POST", "/batch", `[["SELECT * FROM nope"]]`, 200,
		`{"error":"D1_ERROR: no such table: nope: SQLITE_ERROR"}`)
	want(t, s, "POST", "/batch", `[["CREATE TABLE x (y)"], ["INSERT INTO x VALUES (1), (2)"], ["SELECT nope"]]`, 200,
		`{"error":"D1_ERROR: no such column: nope: SQLITE_ERROR"}`)
	want(t, s, "POST", "/batch", `[["SELECT * FROM x"]]`, 200, `{"error":"D1_ERROR: no such table: x: SQLITE_ERROR"}`)
}

func TestOneRequestWakesAnother(t *testing.T) {
	s := start(t, wasmtest.Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		want(t, s, "GET", "/wait?key=k", "", 200, "from the op")
	}()
	wasmtest.Until(t, "somebody waits", func() bool {
		status, _ := do(t, s, "GET", "/wake?key=k", "")
		return status == 200
	})
	<-done
}

const lostAnswer = `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"the instance ended"}}`

func TestAHandlerThatPanicsHarmsNobody(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	boot := readStats(t, s)
	want(t, s, "GET", "/panic", "", 500, `{"error":{"code":"INTERNAL_SERVER_ERROR","message":"internal error"}}`)
	if after := readStats(t, s); after.Boot != boot.Boot {
		t.Error("another instance")
	}
	atRest(t, s, boot.Goroutines)
}

func TestAnInstanceThatEndsIsReplaced(t *testing.T) {
	for _, path := range []string{"/goroutine-panic", "/stack-overflow", "/memory?mb=200", "/exit"} {
		t.Run(path, func(t *testing.T) {
			s := start(t, wasmtest.Options{Log: io.Discard})
			boot := readStats(t, s).Boot
			s.Gate.Hold("d1")
			answers := make(chan string, 2)
			go func() {
				status, body := do(t, s, "GET", "/d1?n=1&id=a", "")
				answers <- fmt.Sprint("GET ", status, " ", strings.TrimSpace(body))
			}()
			go func() {
				status, body := do(t, s, "POST", "/batch", `[["SELECT 1"]]`)
				answers <- fmt.Sprint("POST ", status, " ", strings.TrimSpace(body))
			}()
			s.Gate.Wait(t, 2)
			want(t, s, "GET", path, "", 500, lostAnswer)
			s.Gate.Open()
			got := map[string]bool{<-answers: true, <-answers: true}
			// The GET's insert was committed before the instance ended, and is repeated: the caller asked for it.
			if !got["GET 200 2"] || !got["POST 500 "+lostAnswer] {
				t.Errorf("got %v", got)
			}
			if readStats(t, s).Boot == boot {
				t.Error("the same instance")
			}
			want(t, s, "GET", "/trivial", "", 200, "ok")
		})
	}
}

func TestAnInstanceOverThreeQuartersOfItsBudgetIsReplacedInPeace(t *testing.T) {
	s := start(t, wasmtest.Options{})
	boot := readStats(t, s).Boot
	s.Gate.Hold("d1")
	done := make(chan struct{})
	go func() {
		defer close(done)
		want(t, s, "POST", "/batch", `[["SELECT 1 AS a"]]`, 200, `{"results":[{"changes":0,"columns":["a"],"rows":[[1]]}]}`)
	}()
	s.Gate.Wait(t, 1)
	want(t, s, "GET", "/memory?mb=84&hold=1", "", 200, "84")
	if readStats(t, s).Boot == boot {
		t.Error("the same instance")
	}
	s.Gate.Open()
	<-done
}

func TestACallIsGivenUpAtItsLimit(t *testing.T) {
	clock := wasmtest.NewClock(time.Time{})
	s := start(t, wasmtest.Options{Clock: clock})
	before := readStats(t, s).Goroutines
	done := make(chan struct{})
	go func() {
		defer close(done)
		status, body := do(t, s, "GET", "/wait?key=never", "")
		if status != 504 && (status != 500 || !strings.Contains(body, "took too long")) {
			t.Errorf("got %d %q", status, body)
		}
	}()
	wasmtest.Until(t, "the call is under way", func() bool { return readStats(t, s).Calls == 2 })
	clock.Advance(61 * time.Second)
	<-done
	atRest(t, s, before)
}

func TestAClientThatLeavesFreesItsCall(t *testing.T) {
	s := start(t, wasmtest.Options{})
	before := readStats(t, s).Goroutines
	s.Gate.Hold("d1")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"/d1?n=2&id=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(r)
		done <- err
	}()
	s.Gate.Wait(t, 1)
	leave()
	if <-done == nil {
		t.Error("an answer")
	}
	s.Gate.Open()
	atRest(t, s, before)
	want(t, s, "GET", "/d1?n=0&id=x", "", 200, "2")
}

func TestDeliveriesAreReorderedBySeed(t *testing.T) {
	order := func(seed uint64) string {
		s := start(t, wasmtest.Options{Seed: seed})
		s.Gate.Hold("call")
		var wg sync.WaitGroup
		for n := range 6 {
			wg.Go(func() { do(t, s, "POST", fmt.Sprintf("/room/r%d/call", n), "count") })
		}
		s.Gate.Wait(t, 6)
		var names []string
		for {
			_, name, ok := s.Gate.Release()
			if !ok {
				break
			}
			names = append(names, name)
		}
		s.Gate.Open()
		wg.Wait()
		return strings.Join(names, " ")
	}
	if a, b, c := order(1), order(1), order(2); a != b || a == c {
		t.Errorf("seed 1: %s\nseed 1: %s\nseed 2: %s", a, b, c)
	}
}

func TestRestartAndCrashKeepWhatWasAnswered(t *testing.T) {
	s := start(t, wasmtest.Options{})
	want(t, s, "GET", "/d1?n=3&id=a", "", 200, "3")
	want(t, s, "POST", "/room/a/call", "add one", 200, "1")
	s.Crash()
	want(t, s, "GET", "/d1?n=1&id=a", "", 200, "4")
	want(t, s, "POST", "/room/a/call", "add two", 200, "2")
	s.Restart()
	want(t, s, "GET", "/d1?n=0&id=a", "", 200, "4")
	want(t, s, "POST", "/room/a/call", "log", 200, `["one","two"]`)
	want(t, s, "POST", "/room/b/call", "log", 200, `[]`)
}

func TestAssetsAreServedFirst(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index.html": "home", "page.html": "page", "sub/index.html": "sub", "app.js": "js", ".secret": "secret",
	} {
		os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := config(t, "[assets]\ndirectory = \"./\"\nnot_found_handling = \"single-page-application\"\n")
	c.Dir = dir
	s := start(t, wasmtest.Options{Config: c})
	want(t, s, "GET", "/", "", 200, "home")
	want(t, s, "GET", "/page", "", 200, "page")
	want(t, s, "GET", "/sub/", "", 200, "sub")
	want(t, s, "GET", "/app.js", "", 200, "js")
	want(t, s, "GET", "/trivial", "", 200, "ok")
	want(t, s, "GET", "/.secret", "", 404, "404 page not found")
	want(t, s, "GET", "/../../etc/passwd", "", 404, "404 page not found")
	want(t, s, "POST", "/app.js", "", 404, "404 page not found")
	r, _ := http.NewRequest("GET", s.URL+"/some/view", nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); string(b) != "home" {
		t.Errorf("a navigation: %d %q", res.StatusCode, b)
	}
}

func TestAConfigThatCannotRunIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[vars]\na = [1]": "vars: a",
		"[[d1_databases]]\nbinding = \"A\"\n[vars]\nA = \"x\"":           `"A" is empty or taken`,
		"[[durable_objects.bindings]]\nname = \"R\"\nclass_name = \"R\"": "new_sqlite_classes",
		"[assets]\nnot_found_handling = \"404-page\"":                    "not_found_handling",
		"name = ": "",
	} {
		if _, err := edge.ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m := wasmtest.Compile(b, testguest)
	w, err := edge.Open(edge.Options{Module: m, Config: config(b, ""), Data: b.TempDir(), Instances: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer w.ForTests().Crash()
	r, _ := http.NewRequest("GET", "http://host/trivial", nil)
	r.RequestURI, r.RemoteAddr = "/trivial", "127.0.0.1:1"
	r.Header.Set("User-Agent", "benchmark")
	b.ReportAllocs()
	for b.Loop() {
		w.ServeHTTP(&discard{http.Header{}}, r)
	}
}

type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func BenchmarkRequestD1(b *testing.B) {
	m := wasmtest.Compile(b, testguest)
	w, err := edge.Open(edge.Options{Module: m, Config: config(b, ""), Data: b.TempDir(), Instances: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer w.ForTests().Crash()
	if _, err := w.D1("DB").Batch(b.Context(), []abi.Statement{{SQL: "CREATE TABLE probe (id, n)"}}); err != nil {
		b.Fatal(err)
	}
	r, _ := http.NewRequest("GET", "http://host/d1?n=0&id=x", nil)
	r.RequestURI, r.RemoteAddr = "/d1?n=0&id=x", "127.0.0.1:1"
	for b.Loop() {
		w.ServeHTTP(&discard{http.Header{}}, r)
	}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkBoot(b *testing.B) {
	m := wasmtest.Compile(b, testguest)
	w, err := edge.Open(edge.Options{Module: m, Config: config(b, ""), Data: b.TempDir(), Instances: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer w.ForTests().Crash()
	if err := w.Boot(); err != nil {
		b.Fatal(err)
	}
	before := processorTime()
	for b.Loop() {
		w.ForTests().Evict()
		if err := w.Boot(); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "µs-processor/op")
	var answer bytes.Buffer
	r, _ := http.NewRequest("GET", "http://host/stats", nil)
	r.RequestURI = "/stats"
	w.ServeHTTP(&keep{discard{http.Header{}}, &answer}, r)
	var got stats
	if err := json.Unmarshal(answer.Bytes(), &got); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(got.Memory)/(1<<20), "MiB/instance")
}

type keep struct {
	discard
	*bytes.Buffer
}

func (k *keep) Write(b []byte) (int, error) { return k.Buffer.Write(b) }
