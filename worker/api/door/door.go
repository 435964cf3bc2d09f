package door

import (
	"context"
	"sync"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/logline"
	"tidemark/shared/room"
	"tidemark/shared/web"
)

// Tickets keeps tickets between their issue and their use, for all instances
// of the server; *tickets.Store does.
type Tickets interface {
	PutTicket(ctx context.Context, now time.Time, hash string, until time.Time, id auth.Identity) error
	TakeTicket(ctx context.Context, now time.Time, hash string) (id auth.Identity, found bool, err error)
}

// Web reaches other servers, for the keys of issuers, and verifies signatures; host.Web does.
type Web interface {
	// Fetch sends a request and returns the response, whatever its status.
	Fetch(ctx context.Context, request abi.Fetch) (abi.Fetched, error)
	Sleep(ctx context.Context, d time.Duration) error
	// Verify says whether a key made a signature.
	Verify(ctx context.Context, s abi.Signature) (bool, error)
}

// A Config is what a Door works with.
type Config struct {
	Rooms    Rooms
	Sessions *Sessions // nil: no token can be revoked
	Web      Web       // nil if there are no public keys
	Now      func() time.Time
	// Memory is the instance's; nil: New makes one of LIMIT_MEMORY_MB.
	Memory *Memory
	// Sleep is how a request waits for memory; nil: the request does not wait and
	// is rejected.
	Sleep func(ctx context.Context, d time.Duration) error
	Log   *logline.Logger
	// Settings and Invalid are what Open gets.
	Settings Settings
	// Invalid is the error of ReadSettings. While it is not nil, every route that
	// needs a token returns 503 and the error's text.
	Invalid error
}

// A Door is what all requests of one instance share.
type Door struct {
	Config
	// Uploads are counted by space, project and caller.
	Uploads  *Limiter
	requests *Limiter // by subject and space

	mu       sync.Mutex // guards what follows; never held over a call to a port
	verifier *auth.Verifier
	cache    *auth.Cache
	revoked  revocations
	full     room.Seldom
}

// How much one instance remembers of tokens and subjects.
const (
	cacheEntries = 1024
	cacheBytes   = 1 << 20
	rateSubjects = 4096
)

// New makes the door, and opens it.
func New(c Config) *Door {
	d := Prepare(c)
	d.Open(c.Settings, c.Invalid)
	return d
}

// Prepare makes the door, without its settings.
func Prepare(c Config) *Door { return &Door{Config: c, cache: auth.NewCache(cacheEntries, cacheBytes)} }

// Open gives the door its settings, before the first request.
func (d *Door) Open(settings Settings, invalid error) {
	d.Settings, d.Invalid = settings, invalid
	d.requests = NewLimiter(settings.RequestsPerMinute, "requests per minute")
	d.Uploads = NewLimiter(settings.UploadsPerMinute, "uploads per minute to a project")
	if d.Memory == nil {
		d.Memory = NewMemory(settings.MemoryBytes)
	}
	if d.Invalid == nil {
		d.verifier, d.Invalid = auth.New(settings.Auth)
	}
	if d.Invalid != nil {
		d.Log.Error("a variable or a binding is invalid: every route that needs a token returns 503", "error", d.Invalid)
	}
}

// A Call is one request and what is known about it.
type Call struct {
	*Door
	W     web.ResponseWriter
	R     *web.Request // of a space, its path is without /s/NAME
	Space *Space
	Route *Route        // nil: none matches
	ID    auth.Identity // of the caller in the space, after Identify
	// Token is what the caller's token says, before In narrowed it. It is the zero value in a
	// space's object, and of a ticket.
	Token auth.Identity
	// Changed are members that the log's line about a change has, too: names and values by turns.
	Changed []any

	known    bool     // ID is the caller's
	ticket   string   // of the space, to be redeemed; "": none
	rejected error    // what Identify returns; nil: the caller is not rejected
	values   []string // of the route's parameters
}

// Parameter returns what stands in the path for {name} or {name...}.
func (c *Call) Parameter(name string) string {
	for i, n := range c.Route.parameters {
		if n == name {
			return c.values[i]
		}
	}
	return ""
}

// Admit finds out who the caller is, and counts the request.
func (c *Call) Admit() (err error) {
	if err = c.Identify(); err != nil {
		return err
	}
	return c.Spend(1)
}

// Spend counts n requests of the caller.
func (c *Call) Spend(n int) error { return c.requests.Take(c.account(), n, c.Now()) }

// Owe counts n requests of the caller for work that is already done: later
// requests wait.
func (c *Call) Owe(n int) {
	if n > 0 {
		c.requests.Owe(c.account(), n)
	}
}

// WriteJSON writes a response whose body is JSON.
func (c *Call) WriteJSON(status int, body []byte) { c.WritePieces(status, ijson.Whole(body)) }

// ContentType is that of every JSON response.
const ContentType = "application/json"

// WritePieces writes a response whose body is JSON in pieces.
func (c *Call) WritePieces(status int, body ijson.Pieces) {
	c.W.Header().Set("Content-Type", ContentType)
	c.W.WriteHeader(status)
	if body == nil {
		return
	}
	for piece := range body {
		if _, err := c.W.Write(piece); err != nil {
			return // the client is gone
		}
	}
}
