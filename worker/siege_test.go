//go:build !js

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yjs/yjstest"
	"tidemark/shared/yroom"
	"tidemark/wasm/wasmtest"
)

// A siege is token holders who ask one instance for what is largest and legal, many
// things at once, as a seed says.
type siege struct {
	watched
	clock  *wasmtest.Clock
	random *rand.Rand
	rooms  []*besieged
	client uint64 // given last

	mu     sync.Mutex
	served map[string]int // how often, by what was asked
	not    map[string]int
	most   int // bytes of the guest's memory
}

// A besieged room remembers what it acknowledged.
type besieged struct {
	name  string
	reset sync.RWMutex // writers share it; whoever deletes has it alone

	mu       sync.Mutex
	acked    map[uint64]uint64 // the clock that comes next, of each client
	begun    int               // how often the document began anew
	versions []string
	peers    []*peer // that stay
}

// ack notes that the room took an update.
func (b *besieged) ack(t *testing.T, update []byte) {
	ranges, err := yjs.ParseUpdateMeta(update)
	if err != nil {
		t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range ranges {
		b.acked[r.Client] = max(b.acked[r.Client], r.To)
	}
}

// before is what has been acknowledged so far. The room's state holds it, until it
// begins anew.
func (b *besieged) before() (acked map[uint64]uint64, begun int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.acked), b.begun
}

// holds fails if a state, which was asked for after before, lacks what it must hold.
func (b *besieged) holds(t *testing.T, what string, state []byte, acked map[uint64]uint64, begun int) {
	t.Helper()
	b.mu.Lock()
	same := begun == b.begun
	b.mu.Unlock()
	if !same {
		return
	}
	encoded, err := yjs.StateVectorFromUpdate(state)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	vector, err := yjs.DecodeStateVector(encoded)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	known := make(map[uint64]uint64, len(vector))
	for _, id := range vector {
		known[id.Client] = id.Clock
	}
	for client, clock := range acked {
		if known[client] < clock {
			t.Errorf("%s: of client %d it holds %d of %d acknowledged clocks", what, client, known[client], clock)
			return
		}
	}
}

// A deed is one thing that a besieger does. It returns "" if it was served, or how it
// was refused.
type deed struct {
	what string
	do   func(asker) (refused string)
}

// An asker is one subject.
type asker struct{ caller }

func (s *siege) asker(subject string) asker {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": subject}).SignedString([]byte(secret))
	if err != nil {
		s.Fatal(err)
	}
	return asker{caller{s.T, s.Server, token}}
}

// legally asks, and says how it was refused. To have no memory, no space or no document
// is legal, to have asked for too much in a minute, and to send a
// body while minutes pass.
func (a asker) legally(method, path string, body []byte) (answer []byte, refused string) {
	status, answer := a.ask(method, path, body)
	switch status {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return answer, ""
	case http.StatusServiceUnavailable, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusNotFound,
		http.StatusRequestTimeout:
	default:
		a.Errorf("%s %.80s: %d %.200s", method, path, status, answer)
	}
	return nil, fmt.Sprint(status)
}

// update is an update of about that many bytes of clients that no other update has.
func (s *siege) update(size int) []byte {
	s.client++
	switch s.random.IntN(8) {
	case 0: // many structs
		return yjstest.Unmerged(int(s.client), min(size/8, 60_000))
	case 1: // many clients
		const clients = 500
		parts := make([][]byte, clients)
		for i := range parts {
			parts[i] = note(s.client, strings.Repeat("c", size/clients))
			s.client++
		}
		merged, err := yjs.MergeUpdates(parts...)
		if err != nil {
			s.Fatal(err)
		}
		return merged
	case 2, 3: // a text
		return note(s.client, strings.Repeat("t", size))
	}
	return heavy(s.client, size) // a value
}

// note is an update that writes text at the start of the root note.
func note(client uint64, text string) []byte {
	b := lib0.AppendUint(lib0.AppendUint([]byte{1, 1}, client), 0)
	b = lib0.AppendString(append(b, 4, 1), "note")
	return append(lib0.AppendString(b, text), 0)
}

// deed draws one.
func (s *siege) deed() deed {
	room := s.rooms[s.random.IntN(len(s.rooms))]
	size := 1<<20 + s.random.IntN(5<<20)
	switch n := s.random.IntN(100); {
	case n < 14:
		return s.join(room)
	case n < 20:
		return s.rejoin(room)
	case n < 30:
		return s.offline(room, s.update(size))
	case n < 36:
		s.client++
		return s.edit(room, typed(s.client, "typed"))
	case n < 40:
		return s.present(room)
	case n < 58:
		return s.post(room, s.update(size))
	case n < 64:
		return s.show(room, "", "a document")
	case n < 67:
		return s.show(room, "?sv=AQEB", "what a vector lacks")
	case n < 70:
		return s.show(room, "?format=json", "JSON")
	case n < 72:
		return s.show(room, "?format=tree", "a tree")
	case n < 75:
		return s.show(room, "?format=text&name=note", "text")
	case n < 79:
		return s.keep(room)
	case n < 82:
		return s.version(room)
	case n < 86:
		return s.restore(room)
	case n < 90:
		return s.delete(room)
	case n < 95:
		return deed{"a first pull", func(a asker) string {
			_, refused := a.legally("GET", "/trpc/sync.pull", nil)
			return refused
		}}
	}
	return deed{"a push", func(a asker) string {
		_, refused := a.legally("POST", "/trpc/sync.push", rewritten)
		return refused
	}}
}

// post merges an update over HTTP.
func (s *siege) post(b *besieged, update []byte) deed {
	return deed{fmt.Sprintf("post: %d bytes to %s", len(update), b.name), func(a asker) string {
		b.reset.RLock()
		defer b.reset.RUnlock()
		_, refused := a.legally("POST", "/yjs/"+b.name, update)
		if refused == "" {
			b.ack(a.T, update)
		}
		return refused
	}}
}

func (s *siege) show(b *besieged, query, what string) deed {
	return deed{what + ": " + b.name, func(a asker) string {
		acked, begun := b.before()
		answer, refused := a.legally("GET", "/yjs/"+b.name+query, nil)
		if refused == "" && query == "" {
			b.holds(a.T, "GET "+b.name, answer, acked, begun)
		}
		return refused
	}}
}

func (s *siege) keep(b *besieged) deed {
	return deed{"keep a version: " + b.name, func(a asker) string {
		b.reset.RLock()
		defer b.reset.RUnlock()
		_, refused := a.keep(b)
		return refused
	}}
}

// keep keeps a version and returns its id.
func (a asker) keep(b *besieged) (version, refused string) {
	answer, refused := a.legally("POST", "/yjs/"+b.name+"/versions", []byte("kept"))
	if refused != "" {
		return "", refused
	}
	var kept struct{ ID string }
	if err := json.Unmarshal(answer, &kept); err != nil {
		a.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.versions = append(b.versions, kept.ID)
	return kept.ID, ""
}

// version is the version that was kept first; there is one afterwards.
func (a asker) version(b *besieged) (version, refused string) {
	b.mu.Lock()
	if len(b.versions) > 0 {
		version = b.versions[0]
	}
	b.mu.Unlock()
	if version == "" {
		return a.keep(b)
	}
	return version, ""
}

func (s *siege) version(b *besieged) deed {
	return deed{"a version: " + b.name, func(a asker) string {
		b.reset.RLock()
		defer b.reset.RUnlock()
		version, refused := a.version(b)
		if refused == "" {
			_, refused = a.legally("GET", "/yjs/"+b.name+"/versions/"+version, nil)
		}
		return refused
	}}
}

func (s *siege) restore(b *besieged) deed {
	return deed{"restore: " + b.name, func(a asker) string {
		b.reset.RLock()
		defer b.reset.RUnlock()
		version, refused := a.version(b)
		if refused == "" {
			_, refused = a.legally("POST", "/yjs/"+b.name+"/versions/"+version+"/restore", nil)
		}
		return refused
	}}
}

func (s *siege) delete(b *besieged) deed {
	return deed{"delete: " + b.name, func(a asker) (refused string) {
		b.reset.Lock()
		defer b.reset.Unlock()
		b.mu.Lock()
		b.acked, b.versions = map[uint64]uint64{}, nil
		b.begun++
		b.mu.Unlock()
		_, refused = a.legally("DELETE", "/yjs/"+b.name, nil)
		return refused
	}}
}

// round does several deeds at once, while time passes and neighbours are served.
func (s *siege) round(n int) {
	deeds := make([]deed, 2+s.random.IntN(12))
	for i := range deeds {
		deeds[i] = s.deed()
	}
	tick := []time.Duration{time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond}[s.random.IntN(3)]
	if s.random.IntN(4) == 0 { // every document is due to be compacted and copied
		tick = time.Minute
	}
	s.client++
	edit := typed(s.client, "small")
	var all sync.WaitGroup
	began := make([]string, len(deeds))
	for i, d := range deeds {
		began[i] = d.what
		all.Go(func() {
			refused := d.do(s.asker(fmt.Sprint("besieger ", i)))
			s.mu.Lock()
			defer s.mu.Unlock()
			if what, _, _ := strings.Cut(d.what, ":"); refused == "" {
				s.served[what]++
			} else {
				s.not[what+": "+refused]++
			}
		})
	}
	all.Go(func() {
		neighbour := s.asker("neighbour")
		for range 3 {
			for _, request := range []struct {
				method string
				body   []byte
				want   int
			}{{"POST", edit, http.StatusNoContent}, {"GET", nil, http.StatusOK}} {
				status, answer := neighbour.ask(request.method, "/yjs/small", request.body)
				for range 100 {
					if status != http.StatusRequestTimeout { // minutes may pass while the body is on its way
						break
					}
					status, answer = neighbour.ask(request.method, "/yjs/small", request.body)
				}
				if status != request.want {
					s.Errorf("round %d: a neighbour's %s: %d %.200s", n, request.method, status, answer)
				}
			}
		}
	})
	sampling := make(chan struct{})
	go func() {
		for {
			select {
			case <-sampling:
				return
			case <-time.After(5 * time.Millisecond):
				if m := s.Worker().Memory(); len(m) > 0 {
					s.mu.Lock()
					s.most = max(s.most, m[0])
					s.mu.Unlock()
				}
			}
		}
	}()
	passing(s.clock, tick, all.Wait)
	close(sampling)
	s.lives(fmt.Sprintf("round %d: %s", n, strings.Join(began, ", ")))
}

// lives fails if an instance ended, or a room had to be made again.
func (s *siege) lives(what string) {
	s.Helper()
	for line := range strings.SplitSeq(s.log.take(), "\n") {
		for _, fault := range []string{"the instance ended", "did not return", "level=ERROR", "panic", "fatal error"} {
			if strings.Contains(line, fault) {
				s.Errorf("%s: %s; the guest had %v", what, line, s.Worker().Memory())
				break
			}
		}
	}
}

// rewritten is a push that rewrites the rows that a first pull brings.
var rewritten = rowsOf("r", 0, 13_000, strconv.Quote(strings.Repeat("w", 1_100)))

// number is a variable of the environment, or otherwise.
func number(name string, otherwise uint64) uint64 {
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// unserved returns what the siege is about and has not yet seen served.
func (s *siege) unserved() []string {
	return slices.DeleteFunc([]string{"join", "post", "a push"}, func(what string) bool { return s.served[what] > 0 })
}

// An instance that token holders besiege with what is largest and legal never ends,
// its neighbours are served, and every document holds what was acknowledged. SIEGE_SEED
// says another seed, and SIEGE_ROUNDS how many rounds.
func TestASiegeOfDocumentsEndsNoInstance(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves gigabytes")
	}
	log := &journal{}
	server, clock := startLogged(t, log, "LIMIT_STRETCH_MS", "1000000000") // the tests' clock
	s := &siege{
		watched: watched{caller{t, server, bearer(t)}, log}, clock: clock, client: 1000,
		random: rand.New(rand.NewPCG(number("SIEGE_SEED", 1), 0)), served: map[string]int{}, not: map[string]int{},
	}
	for from := 0; from < 20_000; from += 10_000 {
		s.wants("POST", "/trpc/sync.push", rowsOf("r", from, 10_000, strconv.Quote(strings.Repeat("x", 1_100))), http.StatusOK)
	}
	for _, name := range []string{"middling", "large", "larger", "largest"} {
		s.rooms = append(s.rooms, &besieged{name: name, acked: map[uint64]uint64{}})
	}
	for _, b := range s.rooms[1:] { // near the limit
		for range 3 {
			s.client++
			update := heavy(s.client, yroom.DefaultConfig.DocumentBytes*3/10)
			s.wants("POST", "/yjs/"+b.name, update, http.StatusNoContent)
			b.ack(t, update)
		}
	}
	rounds := int(number("SIEGE_ROUNDS", 5))
	for n := 0; n < rounds || n < 30 && len(s.unserved()) > 0; n++ { // in a few rounds all posts may meet full documents
		s.round(n)
	}
	clock.Advance(2 * time.Hour)
	s.Restart()
	last := s.asker("last")
	for _, b := range s.rooms {
		acked, begun := b.before()
		if len(acked) == 0 {
			continue
		}
		var state []byte
		ticking(clock, func() {
			wasmtest.Until(t, b.name+" is shown", func() (shown bool) {
				var refused string
				state, refused = last.legally("GET", "/yjs/"+b.name, nil)
				return refused == ""
			})
		})
		b.holds(t, b.name+" in the end", state, acked, begun)
		if joined := join(t, server, b.name).longState(clock); !bytes.Equal(compacted(t, joined), compacted(t, state)) {
			t.Errorf("%s: a joiner got another state than GET", b.name)
		}
	}
	s.lives("the end")
	if none := s.unserved(); len(none) > 0 {
		t.Errorf("none of these was served: %q", none)
	}
	t.Logf("at most %d MB of guest memory", s.most>>20)
	for _, what := range slices.Sorted(maps.Keys(s.served)) {
		t.Logf("served %4d %s", s.served[what], what)
	}
	for _, what := range slices.Sorted(maps.Keys(s.not)) {
		t.Logf("refused %4d %s", s.not[what], what)
	}
}
