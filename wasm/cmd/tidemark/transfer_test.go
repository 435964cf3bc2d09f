//go:build !js

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// threePages are an export, without its beginning.
var threePages = []string{
	"{\"format\":1}\n{\"row\":1}\n{\"next\":\"c1\"}\n",
	"{\"page\":2}\n{\"next\":\"c2\"}\n",
	"{\"page\":3}\n{\"row\":2}\n{\"row\":3}\n{\"next\":null}\n",
}

// carry returns a courier to a server, which does not wait and says how long it would have.
func carry(t *testing.T, url, space string, waits *[]time.Duration) (*courier, *bytes.Buffer) {
	c := newCourier(&operator{url: url, token: "T", space: space})
	log := &bytes.Buffer{}
	c.log = log
	c.pause = func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}
	return c, log
}

func TestAnExportIsWrittenPageByPage(t *testing.T) { // S11
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
		page := map[string]int{"": 0, "c1": 1, "c2": 2}[r.URL.Query().Get("cursor")]
		switch len(asked) {
		case 2: // the connection breaks
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, threePages[page][:5])
			return
		case 3: // a proxy cuts the page short
			io.WriteString(w, strings.TrimSuffix(threePages[page], "\n"))
			return
		case 4:
			w.Header().Set("Retry-After", "7")
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, threePages[page])
	}))
	defer server.Close()
	folder := t.TempDir()
	file := filepath.Join(folder, "out.ndjson")
	var waits []time.Duration
	c, log := carry(t, server.URL+"/base", "acme", &waits)
	if err := c.export(t.Context(), file, nil); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != strings.Join(threePages, "") {
		t.Errorf("%s, %v", got, err)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
	if got, want := strings.Join(asked, "\n"), "GET /base/s/acme/export Bearer T\n"+strings.Repeat("GET /base/s/acme/export?cursor=c1 Bearer T\n", 4)+"GET /base/s/acme/export?cursor=c2 Bearer T"; got != want {
		t.Errorf("asked\n%s\nwant\n%s", got, want)
	}
	if fmt.Sprint(waits) != "[1s 2s 7s]" {
		t.Errorf("waited %v", waits)
	}
	if !strings.Contains(log.String(), "trying again in 7s") || !strings.HasSuffix(log.String(), "exported 3 pages, 0.0 MB\n") {
		t.Errorf("said %s", log)
	}
}

// A device, or a pipe, stays what it is.
func TestAnExportReplacesNoDevice(t *testing.T) { // S11
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, threePages[map[string]int{"": 0, "c1": 1, "c2": 2}[r.URL.Query().Get("cursor")]])
	}))
	defer server.Close()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte, 1)
	go func() {
		got, _ := os.ReadFile(pipe)
		read <- got
	}()
	var waits []time.Duration
	c, _ := carry(t, server.URL, "acme", &waits)
	if err := c.export(t.Context(), pipe, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().IsRegular() {
		t.Fatalf("the pipe became %v, %v", info, err)
	}
	if got := string(<-read); got != strings.Join(threePages, "") {
		t.Errorf("the pipe got %q", got)
	}
}

func TestAnExportThatFailsLeavesNoFile(t *testing.T) { // S11
	var server *httptest.Server
	status := 0
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			io.WriteString(w, threePages[0])
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":{"code":"X","message":"no more"}}`)
	}))
	defer server.Close()
	for code, want := range map[int]int{403: 0, 400: 0, 500: attempts - 1, 429: attempts - 1} {
		folder := t.TempDir()
		file := filepath.Join(folder, "out")
		if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		status = code
		var waits []time.Duration
		c, _ := carry(t, server.URL, "", &waits)
		err := c.export(t.Context(), file, nil)
		if err == nil || !strings.Contains(err.Error(), "export page 2: "+server.URL+"/export returned") || !strings.Contains(err.Error(), "no more") || len(waits) != want {
			t.Errorf("%d: %v after %v", code, err, waits)
		}
		entries, _ := os.ReadDir(folder)
		if got, _ := os.ReadFile(file); len(entries) != 1 || string(got) != "before" {
			t.Errorf("%d: %q, %v", code, got, entries)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	c, _ := carry(t, server.URL, "", new([]time.Duration))
	status = 500
	c.pause = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
	if err := c.export(ctx, "-", &out); err == nil || !strings.Contains(err.Error(), "interrupted") || out.String() != threePages[0] {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestAnImportSendsThePagesOfAFile(t *testing.T) { // S11
	var mu sync.Mutex // a request may come before the handler of the one before has ended
	var got []string
	lost := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("Content-Type")+"\n"+string(body))
		if len(got) == 2 && !lost { // the page was imported, and the answer is lost
			lost = true
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintf(w, `{"imported":%d,"next":null}`, len(got))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "in")
	// The last line may lack its newline.
	if err := os.WriteFile(file, []byte(strings.TrimSuffix(strings.Join(threePages, ""), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, i := range []int{0, 1, 1, 2} {
		want = append(want, "POST /s/acme/import application/x-ndjson\n"+threePages[i])
	}
	for _, name := range []string{file, "-"} {
		got, lost = nil, false
		var waits []time.Duration
		c, log := carry(t, server.URL, "acme", &waits)
		var stdin io.Reader
		if name == "-" {
			stdin = strings.NewReader(strings.Join(threePages, ""))
		}
		if err := c.importFile(t.Context(), name, stdin); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "|") != strings.Join(want, "|") || len(waits) != 1 {
			t.Errorf("%s: sent %q, want %q, waited %v", name, got, want, waits)
		}
		if !strings.HasSuffix(log.String(), "imported 8 lines in 3 pages\n") {
			t.Errorf("%s: said %s", name, log)
		}
	}
}

func TestAnImportSaysWhereTheMistakeIs(t *testing.T) { // S11
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests++
		if bytes.HasPrefix(body, []byte(`{"page":3`)) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":{"code":"BAD_REQUEST","message":"line 2: unknown table","line":2}}`)
			return
		}
		if bytes.Contains(body, []byte("conflict")) {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"error":{"code":"CONFLICT","message":"an import needs an empty place"}}`)
			return
		}
		fmt.Fprint(w, `{"imported":1,"next":null}`)
	}))
	defer server.Close()
	all := strings.Join(threePages, "")
	for _, c := range []struct {
		text, want string
		requests   int
	}{
		{all, "in: line 7: " + server.URL + "/s/acme/import returned 400 Bad Request: line 2: unknown table", 3},
		{"{\"format\":\"conflict\"}\n{\"next\":null}\n", "import page 1, which begins at line 1 of in: " + server.URL + "/s/acme/import returned 409 Conflict: an import needs an empty place", 1},
		{"", `in is no export of tidemark: {"format":…} must be its first line`, 0},
		{"export PATH=/bin\n{\"next\":null}\n", "in is no export of tidemark", 0},
		{threePages[0], "in ends at line 4, before the end of the export", 0},
		{threePages[0] + threePages[1][:7], "in ends at line 4, before the end of the export", 0},
		{all + "{}\n", "in: line 10: there is more after the end", 0},
		{threePages[0] + "{\"next\":7}\n", `in: line 4: the end of a page must be {"next":…}`, 0},
		{threePages[0][:len(threePages[0])-14] + strings.Repeat("x", maxPageBytes+10), "in: line 3: no page of an export is longer than 8000000 bytes", 0},
		{"{\"format\":1}\n" + strings.Repeat(strings.Repeat("x", 999)+"\n", 8001), "in: line 8001: no page of an export", 0},
	} {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("in", []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		requests = 0
		var waits []time.Duration
		courier, _ := carry(t, server.URL, "acme", &waits)
		err := courier.importFile(t.Context(), "in", nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || requests != c.requests || len(waits) > 0 {
			t.Errorf("%.60q: %v after %d requests\nwant %s after %d", c.text, err, requests, c.want, c.requests)
		}
	}
}

func TestTheCommandsOfATransferSayWhatIsWrong(t *testing.T) { // S11
	const nobody = "http://127.0.0.1:1" // no server listens on that port
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct{ args, want string }{
		{"export --token T", "--url is needed"},
		{"export --url " + nobody + " --token T", "connection refused"},
		{"export --url " + nobody + " --token T --space a/b", `--space "a/b": a name is 1 to 64`},
		{"export --url " + nobody + " --token T -o " + missing + "/x", "no such file or directory"},
		{"export --url " + nobody + " --token T more", `unexpected argument "more"`},
		{"import --url " + nobody + " --token T --space a", "one FILE is needed"},
		{"import --url " + nobody + " --token T --space a x y", "one FILE is needed"},
		{"import --url " + nobody + " --token T -", "--space is needed"},
		{"import --url " + nobody + " --token T --space a " + missing, "no such file or directory"},
		{"import --url " + nobody + " --token T --space a -", "standard input is no export of tidemark"},
	} {
		stdout, stderr, code := command(t, strings.Fields(c.args)...)
		if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "tidemark: ") || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, printed %q, %q, want %q", c.args, code, stdout, stderr, c.want)
		}
	}
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	if err := sleep(t.Context(), 0); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := sleep(ended, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
