// Package api is Tidemark over HTTP: one portable http.Handler.
//
//	GET  /healthz           {"status":"ok"}, open to all
//	     /trpc/PATHS        tRPC: sync.pull (query) and sync.push (mutation)
//	GET  /sync/pull         the answer of sync.pull without tRPC's envelope, for WatermelonDB's turbo mode
//	GET  /sync/checksum     count and checksum of each table
//	GET  /sync/subscribe    a WebSocket of SyncRoom
//	POST /sync/restore      {"floor":…}, after the database was restored; wants sync:admin
//	POST /sync/purge        {"horizon":…,"purged":…}, forgets old tombstones; wants sync:admin
//	     /dev/login         a token for a name, in development only (see dev.go)
//	POST /auth/ticket       {"ticket":"…","expires_in":30}, good for one WebSocket
//	POST /auth/revoke       ends the tokens of a subject, or one; wants sync:admin (see revoke.go)
//	     /api/v1/…          projects: REST and the delta dialect; /api/v1/docs says what (see project.go)
//	     /yjs/ROOM          a Yjs document: a WebSocket of YjsRoom, and over HTTP (see yjs.go)
//
// Everything but health and CORS preflights wants a token (see identity.go)
// and is answered after it was checked. Errors have tRPC's shape below /trpc,
// are RFC 9457 problems below /api/v1/, and {"error":{"code":"NAME","message":"…",…}}
// elsewhere. Settings says which variables configure it.
//
// The handler keeps no lock over a call to its ports and starts no goroutines,
// as the guest wants.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/trpc"
	"tidemark/worker/store"
	"tidemark/worker/store/records"
)

// Sync answers pulls and pushes; *records.Store does. Inputs and answers are raw
// JSON, an empty input is none. Errors are *watermelon.InputError,
// *watermelon.ConflictError, watermelon.ErrTooLarge, or internal.
type Sync interface {
	Pull(ctx context.Context, now time.Time, input []byte, b store.Budget) (answer ijson.Pieces, octets int, err error)
	Push(ctx context.Context, now time.Time, input []byte) (answer []byte, changed []records.Change, err error)
	Stamp(ctx context.Context) (record.Stamp, error)
	Checksum(ctx context.Context, b store.Budget) (answer []byte, err error)
	Restore(ctx context.Context, now time.Time) (floor record.Stamp, err error)
	Purge(ctx context.Context, now time.Time, keep time.Duration) (horizon record.Stamp, purged int, err error)
}

// A Restorer fits what it keeps to a database that was restored to an earlier
// point; *tickets.Store and *projects.Store do.
type Restorer interface {
	Restore(ctx context.Context, now time.Time) error
}

// Tickets keeps tickets between their issue and their use, for all instances
// of the server; *tickets.Store does.
type Tickets interface {
	PutTicket(ctx context.Context, now time.Time, hash string, until time.Time, id auth.Identity) error
	TakeTicket(ctx context.Context, now time.Time, hash string) (id auth.Identity, found bool, err error)
}

// Rooms reaches the Durable Objects by their class's binding and their name.
type Rooms interface {
	// Publish sends a message to a room. It does not wait for the room and
	// cannot fail the request.
	Publish(ctx context.Context, binding, room string, message []byte)
	// Forward hands an upgrade to a room, which answers it.
	Forward(w http.ResponseWriter, r *http.Request, f abi.Forward) error
}

// Web reaches other servers, for the keys of issuers; host.Web does.
type Web interface {
	// Fetch sends a request and returns the answer, whatever its status.
	Fetch(ctx context.Context, request abi.Fetch) (abi.Fetched, error)
	Sleep(ctx context.Context, d time.Duration) error
}

// SyncRoom is the one room that all subscribers of structured sync share.
const (
	SyncBinding = "SYNC_ROOM"
	SyncRoom    = "sync"
)

// A Config is what the handler works with.
type Config struct {
	Sync     Sync
	Tickets  Tickets
	Projects Projects
	// Restorers run before Sync.Restore, in order. The operator repeats a restore that failed.
	Restorers []Restorer
	Rooms     Rooms
	Yjs       *Yjs
	Sessions  *Sessions
	Web       Web // may be nil if no keys are to be fetched
	Now       func() time.Time
	// Memory is the instance's; nil: New makes one of LIMIT_MEMORY_MB. Sleep is how
	// a request waits for it; nil: it does not, and is refused.
	Memory   *Memory
	Sleep    func(ctx context.Context, d time.Duration) error
	Settings Settings
	Log      *slog.Logger
}

type server struct {
	Config
	router   trpc.Router
	verifier *auth.Verifier
	routes   []projectRoute // below projectsRoot

	mu      sync.Mutex // of verifier and what is below; never held over a call to a port
	cache   *auth.Cache
	rate    *auth.Rate
	uploads *auth.Rate // by project and subject
	revoked revocations
}

// New makes the handler.
func New(c Config) http.Handler {
	s := &server{
		Config: c,
		router: trpc.Router{
			Procedures: map[string]trpc.Kind{pullPath: trpc.Query, pushPath: trpc.Mutation},
			MaxItems:   c.Settings.BatchItems,
		},
		cache:   auth.NewCache(cacheEntries, cacheBytes),
		rate:    auth.NewRate(c.Settings.RequestsPerMinute, rateSubjects),
		uploads: auth.NewRate(c.Settings.UploadsPerMinute, rateSubjects),
		routes:  newProjectRoutes(),
	}
	if s.Memory == nil {
		s.Memory = NewMemory(c.Settings.MemoryBytes)
	}
	if c.Settings.Problem == "" {
		var err error
		if s.verifier, err = auth.New(c.Settings.Auth); err != nil {
			s.Settings.Problem = err.Error()
		}
	}
	return s
}

// The bounds of what one instance remembers of tokens and subjects.
const (
	cacheEntries = 1024
	cacheBytes   = 1 << 20
	rateSubjects = 4096
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	path := r.URL.Path
	if path == "/healthz" && r.Method != http.MethodOptions {
		s.allowOrigin(w, r)
		s.health(w, r)
		return
	}
	r, held := s.withShare(r)
	defer held.end()
	if path == devLoginPath { // before a page of another origin is allowed anything
		w.Header().Set("Cache-Control", "no-store")
		if err := s.devLogin(w, r); err != nil {
			s.refuse(w, r, err)
		}
		return
	}
	s.allowOrigin(w, r)
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.HasPrefix(path, projectsRoot) {
		s.projects(w, r)
		return
	}
	if path == "/trpc" || strings.HasPrefix(path, "/trpc/") {
		s.trpc(w, r)
		return
	}
	if err := s.plain(w, r, path); err != nil {
		s.refuse(w, r, err)
	}
}

// plain answers everything outside of tRPC.
func (s *server) plain(w http.ResponseWriter, r *http.Request, path string) error {
	id, err := s.identify(r)
	if err != nil {
		return err
	}
	if err := s.spend(id, 1); err != nil {
		return err
	}
	switch {
	case path == "/sync/pull":
		return s.turbo(w, r, id)
	case path == "/sync/checksum":
		return s.checksum(w, r, id)
	case path == "/sync/subscribe":
		return s.subscribe(w, r, id)
	case path == "/sync/restore":
		return s.restore(w, r, id)
	case path == "/sync/purge":
		return s.purge(w, r, id)
	case path == "/auth/ticket":
		return s.ticket(w, r, id)
	case path == "/auth/revoke":
		return s.revoke(w, r, id)
	case strings.HasPrefix(path, yjsRoot):
		return s.yjs(w, r, id)
	}
	return &trpc.Error{Code: trpc.NotFound, Message: "Nothing is served at this path"}
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.refuse(w, r, wrongMethod("GET, HEAD"))
		return
	}
	write(w, http.StatusOK, []byte(`{"status":"ok"}`))
}

// write answers JSON.
func write(w http.ResponseWriter, status int, body []byte) { writePieces(w, status, ijson.Whole(body)) }

// writePieces answers JSON that comes in pieces.
func writePieces(w http.ResponseWriter, status int, body ijson.Pieces) {
	w.Header().Set("Content-Type", trpc.ContentType)
	w.WriteHeader(status)
	if body == nil {
		return
	}
	for piece := range body {
		if _, err := w.Write(piece); err != nil {
			return // the client is gone
		}
	}
}
