//go:build !js

package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/wasm/wasmtest"
)

// A corpus holds the inputs that strangers change: legal requests to every route,
// connections, updates of Yjs documents, conversations.
type corpus struct {
	requests      []request
	raw           [][]byte
	updates       [][]byte
	conversations []conversation
}

// loadCorpus reads e2e/strangers/corpus.json and the documents of shared/yjs.
// The runner against workerd reads them, too.
func loadCorpus(t testing.TB) (c corpus) {
	t.Helper()
	root, err := wasmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Requests []struct {
			Method, Path, Body string
			Headers            map[string]string
		}
		Raw []string // each character is a byte
	}
	var documents []struct{ Updates []string }
	for name, into := range map[string]any{"e2e/strangers/corpus.json": &file, "shared/yjs/testdata/documents-13.6.33.json": &documents} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range file.Requests {
		lines := []string{}
		for name, value := range r.Headers {
			lines = append(lines, name+": "+value+"\n")
		}
		slices.Sort(lines)
		c.requests = append(c.requests, request{r.Method, r.Path, strings.Join(lines, ""), []byte(r.Body), 0})
	}
	for _, text := range file.Raw {
		var b []byte
		for _, r := range text {
			b = append(b, byte(r))
		}
		c.raw = append(c.raw, b)
	}
	// workerd takes a CONNECT for something else, and it reaches no Worker.
	c.raw = append(c.raw, []byte("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"))
	for _, d := range documents {
		for _, text := range d.Updates {
			update, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			c.updates = append(c.updates, update)
			c.requests = append(c.requests, request{"POST", "/yjs/b", "", update, 0})
		}
	}
	entry := lib0.AppendString([]byte{1, 5, 1}, `{"user":"a"}`)
	sync := script(nil, saySync, []byte{0, 0})
	for _, update := range c.updates {
		sync = script(sync, saySync, append([]byte{2}, update...))
	}
	for _, path := range []string{"/yjs/a", "/yjs/b", "/sync/subscribe", "/api/v1/projects/p1/subscribe"} {
		c.conversations = append(c.conversations,
			conversation{path, 0, sync},
			conversation{path, 0, script(script(script(nil, sayAwareness, entry), sayBinary, []byte{3}), sayAgain, []byte{9})},
			conversation{path, 0, script(script(script(nil, sayText, []byte("ping")), sayPing, []byte("x")), sayClose, []byte{17, 49, 'b', 'y', 'e'})},
			conversation{path, 0, script(script(nil, sayPieces, []byte{0, 0, 1, 0}), sayHalf, []byte{0})},
			conversation{path, 0, script(script(nil, sayText, []byte{0xff}), sayRaw, []byte{0xf2, 0x80, 0, 0, 0, 0})},
			conversation{path, 0, script(script(nil, sayBinary, nil), sayText, nil)},
		)
	}
	return c
}

// Every route must be in the corpus, so that strangers send requests to it.
func TestCorpusHasEveryRoute(t *testing.T) {
	x, known := openTarget(t), loadCorpus(t)
	res, err := http.Get(x.server.URL + "/api/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var document struct{ Paths map[string]map[string]any }
	if err := json.NewDecoder(res.Body).Decode(&document); err != nil || len(document.Paths) == 0 {
		t.Fatalf("%d paths, %v", len(document.Paths), err)
	}
	segment := regexp.MustCompile(`\{[a-z_]+\}`)
	for path, operations := range document.Paths {
		route := regexp.MustCompile("^" + segment.ReplaceAllString(path, "[^/]+") + `(\?|$)`)
		for method := range operations {
			has := func(r request) bool { return strings.EqualFold(r.Method, method) && route.MatchString(r.Path) }
			if method != "parameters" && !slices.ContainsFunc(known.requests, has) {
				t.Errorf("no request of the corpus is %s %s", strings.ToUpper(method), path)
			}
		}
	}
}

// script appends an action to a script.
func script(b []byte, action byte, data []byte) []byte {
	return lib0.AppendBytes(append(b, action), data)
}

// A stranger makes random inputs.
type stranger struct {
	*rand.Rand
	corpus
}

func pick[T any](s *stranger, list []T) T { return list[s.IntN(len(list))] }

// chance is true in one of n cases.
func (s *stranger) chance(n int) bool { return s.IntN(n) == 0 }

// odd are pieces of text that parsers often read wrongly.
var odd = []string{
	"", "null", "-1", "0", "1e999", "9007199254740993", "-0.0", "18446744073709551616", `"`, `\`, `\u0000`, `\ud800`, "\x00", "\xff", "\xed\xa0\x80",
	"[", "{", "]", "}", ",", ":", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", `{"a":{"a":{"a":{"a":{"a":`, "true", "%", "%00", "%2F", "%ff", "..", "//", "?", "&", "#", ";", "=", "+",
	"é", "😀", "\u2028", "__proto__", "id", "tasks", "deleted", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", "\xff\xff\xff\xff\x0f", "\x7f", "\x01",
}

// mutate returns b with up to n changes.
func (s *stranger) mutate(b []byte, n int) []byte {
	b = slices.Clone(b)
	for range s.IntN(n + 1) {
		at := s.IntN(len(b) + 1)
		to := min(at+s.IntN(12), len(b))
		switch s.IntN(6) {
		case 0:
			b = b[:at]
		case 1:
			b = slices.Delete(b, at, to)
		case 2:
			b = slices.Insert(b, at, []byte(pick(s, odd))...)
		case 3:
			b = slices.Concat(b[:at], []byte(pick(s, odd)), b[to:])
		case 4:
			b = slices.Insert(b, at, slices.Clone(b[at:to])...)
		case 5:
			if at < len(b) {
				b[at] ^= 1 << s.IntN(8)
			}
		}
	}
	return b
}

func (s *stranger) who() byte {
	if s.chance(3) {
		return byte(s.IntN(256))
	}
	return 0
}

func (s *stranger) request() request {
	r := pick(s, s.requests)
	other := pick(s, s.requests)
	if s.chance(8) {
		r.Method = pick(s, []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "X"})
	}
	if s.chance(3) {
		r.Path = string(s.mutate([]byte(r.Path), 3))
	}
	switch s.IntN(6) {
	case 0:
		r.Body = other.Body
	case 1:
		r.Body = []byte(strings.Repeat(pick(s, odd), s.IntN(100_000)))
	case 2, 3:
		r.Body = s.mutate(r.Body, 4)
	}
	if s.chance(3) {
		r.Header = string(s.mutate([]byte(r.Header+other.Header), 3))
	}
	r.Who = s.who()
	return r
}

func (s *stranger) conversation() conversation {
	c := conversation{Path: pick(s, s.conversations).Path, Who: s.who()}
	if s.chance(8) {
		c.Path = string(s.mutate([]byte(c.Path), 2))
	}
	for range 1 + s.IntN(12) {
		var data []byte
		action := byte(s.IntN(sayActions))
		switch action {
		case saySync:
			data = append([]byte{byte(s.IntN(4))}, s.mutate(pick(s, s.updates), 3)...)
		case sayAwareness:
			data = lib0.AppendUint([]byte{1}, s.Uint64()>>s.IntN(64))
			data = lib0.AppendUint(data, s.Uint64()>>s.IntN(64))
			data = s.mutate(lib0.AppendString(data, pick(s, []string{"null", `{"user":"a"}`, "1", "{"})), 2)
		case sayClose:
			code := pick(s, []int{999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1015, 2999, 3000, 4401, 4999, 5000, 65535})
			data = append([]byte{byte(code >> 8), byte(code)}, strings.Repeat(pick(s, odd), s.IntN(40))...)
			data = data[:min(len(data), 125)]
		case sayPing:
			data = s.mutate([]byte("ping"), 3)
			data = data[:min(len(data), 125)]
		default:
			data = s.mutate(pick(s, s.conversations).Script, 4)
		}
		c.Script = script(c.Script, action, data)
		if action == sayClose && !s.chance(4) {
			break
		}
	}
	return c
}

// TestStrangers sends random inputs to a server, with STRANGER_SEEDS seeds (2; 1 with
// -short), or with the one seed STRANGER_SEED. A failure prints its seed, which repeats it.
func TestStrangers(t *testing.T) {
	first, seeds := uint64(1), uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for name, into := range map[string]*uint64{"STRANGER_SEEDS": &seeds, "STRANGER_SEED": &first} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		*into = n
	}
	if os.Getenv("STRANGER_SEED") != "" {
		seeds = 1
	}
	known := loadCorpus(t)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := &stranger{rand.New(rand.NewPCG(seed, 0)), known}
			x := openTarget(t)
			for _, r := range known.requests { // so that there is something to ask for
				if r.Method == "POST" {
					x.ask(t, r)
				}
			}
			for range 250 {
				switch s.IntN(5) {
				case 0:
					x.converse(t, s.conversation())
				case 1:
					x.talk(t, s.mutate(pick(s, known.raw), 4))
				default:
					x.ask(t, s.request())
				}
			}
			x.quiet(t)
		})
	}
}
