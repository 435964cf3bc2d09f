package door

import (
	"errors"
	"math"

	"tidemark/shared/record"
)

// A Variable is the declaration of one setting. The documentation's table, the
// variables of wrangler.toml and the defaults of both hosts are tested against it.
type Variable struct {
	Name string
	// Default, Least and Most are of a number; a text has none of them.
	Default, Least, Most int
	Unit                 string // of a number: "bytes", "rows", …
	For                  string

	set     func(*Settings, int)          // nil: only the hosts use the number
	setText func(*Settings, string) error // of a text
}

// IsText says whether the variable is a text, and not a number.
func (v *Variable) IsText() bool { return v.setText != nil }

var errNoKeys = errors.New("AUTH_SECRET is not set: without it, AUTH_JWKS, AUTH_JWKS_URL or AUTH_ISSUER no token can be checked and nothing is served")

// ignore takes a text that only the hosts use.
func ignore(*Settings, string) error { return nil }

const (
	most   = 1_000_000_000
	mega   = 1 << 20
	oneDay = 24 * 3600 * 1000 // milliseconds
)

// Variables are all settings.
var Variables = []Variable{
	{Name: "AUTH_SECRET", For: "the secret of tokens signed by HS256, 32 bytes or more",
		setText: func(s *Settings, text string) error { s.Auth.Secret = []byte(text); return nil }},
	{Name: "AUTH_ISSUER", For: "the iss that tokens must have, or a list of them, divided by commas",
		setText: func(s *Settings, text string) error { s.Auth.Issuers = textList(text); return nil }},
	{Name: "AUTH_JWKS_URL", For: "where the issuers publish their public keys, in the order of AUTH_ISSUER",
		setText: func(s *Settings, text string) error { s.Auth.JWKSURLs = textList(text); return nil }},
	{Name: "AUTH_JWKS", For: "the public keys of tokens signed by RS256, ES256 or EdDSA: a JSON Web Key Set",
		setText: func(s *Settings, text string) error { s.Auth.JWKS = []byte(text); return nil }},
	{Name: "AUTH_AUDIENCE", For: "the aud that tokens must have, or a list of which they must have one",
		setText: func(s *Settings, text string) error { s.Auth.Audiences = textList(text); return nil }},
	{Name: "AUTH_MAX_TTL", For: "how far the end of a token may be away, in seconds or as 24h", setText: setMaxTTL},
	{Name: "AUTH_CLAIMS", For: "which claims count, as scope=permissions,sub=https://example.com/id", setText: setClaims},
	{Name: "CORS_ORIGINS", For: "the origins whose pages may call, divided by commas; * or nothing: all", setText: setOrigins},
	{Name: "TABLES", For: "the tables of the app as JSON, made from its tables.toml; nothing: the built-in tables", setText: setTables},
	{Name: "DEV_MODE", For: "1: a token for any name at /dev/login, and http:// for keys", setText: setDevMode},

	{Name: "LIMIT_BODY_BYTES", Default: 16 * mega, Least: 1, Most: 64 * mega, Unit: "bytes", For: "the body of one request",
		set: func(s *Settings, n int) { s.BodyBytes = n }},
	{Name: "LIMIT_REQUESTS_PER_MINUTE", Default: 60_000, Least: 1, Most: most, Unit: "requests", For: "of one subject, in one instance",
		set: func(s *Settings, n int) { s.RequestsPerMinute = n }},
	{Name: "LIMIT_UPLOADS_PER_MINUTE", Default: 120, Least: 1, Most: most, Unit: "uploads", For: "of one subject to one project, in one instance",
		set: func(s *Settings, n int) { s.UploadsPerMinute = n }},
	{Name: "LIMIT_BATCH_ITEMS", Default: 50, Least: 1, Most: 1000, Unit: "calls", For: "in one tRPC batch",
		set: func(s *Settings, n int) { s.BatchItems = n }},
	{Name: "LIMIT_PUSH_ROWS", Default: 50_000, Least: 1, Most: 1_000_000, Unit: "rows", For: "created and updated by one push",
		set: func(s *Settings, n int) { s.Sync.PushRows = n }},
	{Name: "LIMIT_PUSH_IDS", Default: 50_000, Least: 1, Most: 1_000_000, Unit: "ids", For: "deleted in one table by one push",
		set: func(s *Settings, n int) { s.Sync.PushIDs = n }},
	{Name: "LIMIT_ROW_BYTES", Default: 900_000, Least: 1, Most: record.MaxRowBytes, Unit: "bytes", For: "one row on the wire",
		set: func(s *Settings, n int) { s.Sync.RowBytes = n }},
	{Name: "LIMIT_DEPTH", Default: 32, Least: 1, Most: 1000, Unit: "levels", For: "nesting of the JSON of a push or pull",
		set: func(s *Settings, n int) { s.Sync.Depth = n }},
	{Name: "LIMIT_PAGE_ROWS", Default: 10_000, Least: 1, Most: 1_000_000, Unit: "rows", For: "in one page of a pull",
		set: func(s *Settings, n int) { s.Sync.PageRows = n }},
	{Name: "LIMIT_PULL_BYTES", Default: 24 * mega, Least: 1, Most: 64 * mega, Unit: "bytes", For: "one response to pulls",
		set: func(s *Settings, n int) { s.Sync.PullBytes = n }},

	{Name: "LIMIT_YJS_DOCUMENT_BYTES", Default: 16 * mega, Least: 1, Most: 64 * mega, Unit: "bytes", For: "one document; beyond, writes are rejected",
		set: func(s *Settings, n int) { s.Documents.DocumentBytes = n }},
	{Name: "LIMIT_YJS_MESSAGE_BYTES", Default: 16 * mega, Least: 1, Most: 32 * mega, Unit: "bytes", For: "one message; beyond, its socket is closed",
		set: func(s *Settings, n int) { s.Documents.MessageBytes = n }},
	{Name: "LIMIT_YJS_MESSAGES_PER_SECOND", Default: 500, Least: 1, Most: 1_000_000, Unit: "messages", For: "of one socket, after a burst of 10 times as many",
		set: func(s *Settings, n int) { s.Documents.Messages = float64(n) }},
	{Name: "LIMIT_YJS_BYTES_PER_SECOND", Default: 4 * mega, Least: 1, Most: most, Unit: "bytes", For: "of one socket, after a burst of one document and one message",
		set: func(s *Settings, n int) { s.Documents.BytesPerSecond = float64(n) }},
	// A cell of SQLite has at most 2 MB.
	{Name: "LIMIT_YJS_PRESENCE_STATE_BYTES", Default: mega / 4, Least: 1, Most: mega, Unit: "bytes", For: "one client's awareness state; beyond, it is ignored",
		set: func(s *Settings, n int) { s.Documents.PresenceStateBytes = n }},
	{Name: "LIMIT_YJS_PRESENCE_BYTES", Default: mega, Least: 1, Most: 8 * mega, Unit: "bytes", For: "the awareness states of one socket; a room holds 8 times as much",
		set: func(s *Settings, n int) { s.Documents.PresenceBytes = n }},
	{Name: "LIMIT_YJS_MEMORY_BYTES", Default: 24 * mega, Most: 1024 * mega, Unit: "bytes", For: "all documents and awareness states in the memory of one instance",
		set: func(s *Settings, n int) { s.CacheBytes = n }},
	{Name: "YJS_COPY_MILLIS", Default: 30_000, Most: oneDay, Unit: "ms", For: "from an edit to its copy in the database, for a small document",
		set: func(s *Settings, n int) { s.Documents.CopyDelay = millis(n) }},

	{Name: "LIMIT_SPACE_BYTES", Default: 1024 * mega, Least: mega, Most: 10 * 1024 * mega, Unit: "bytes", For: "what one space holds; beyond, it takes only deletions",
		set: func(s *Settings, n int) { s.SpaceBytes = int64(n) }},
	{Name: "WEBHOOK_URL", For: "where the server tells of changes; nothing: nowhere",
		setText: func(s *Settings, text string) error { s.Webhooks.URL = text; return nil }},
	{Name: "WEBHOOK_SECRET", For: "the secret by which the receiver knows the server: whsec_ and Base64, or a list of them", setText: setWebhookSecret},
	{Name: "WEBHOOK_EVENTS", For: "the events to send, as records.*,space.*; nothing: all", setText: setWebhookEvents},
	{Name: "WEBHOOK_ALLOW_PRIVATE", For: "1: WEBHOOK_URL may begin with http:// and lead to a private address",
		setText: func(s *Settings, text string) error { s.Webhooks.AllowPrivate = text == "1"; return nil }},

	{Name: "SPACES_LOCATION", For: "where Cloudflare creates the objects of new spaces, as weur", setText: ignore},
	{Name: "SPACES_JURISDICTION", For: "where Cloudflare keeps the objects of spaces, as eu: choose it before the first space", setText: ignore},

	// The hosts act on these. The guest rejects invalid values.
	{Name: "LIMIT_CALL_MS", Default: 60_000, Least: 1, Most: math.MaxInt32, Unit: "ms", For: "one request, its body included",
		set: func(s *Settings, n int) { s.Webhooks.Call = millis(n) }},
	{Name: "LIMIT_STRETCH_MS", Default: 30_000, Least: 1, Most: math.MaxInt32, Unit: "ms", For: "an instance that runs without a pause; the self-hosted server then ends it"},
	{Name: "LIMIT_MEMORY_MB", Default: 112, Least: 1, Most: 2047, Unit: "MB", For: "the linear memory of one instance",
		set: func(s *Settings, n int) { s.MemoryBytes = n << 20 }},
	{Name: "LIMIT_SOCKETS", Default: 10_000, Least: 1, Most: most, Unit: "WebSockets", For: "open at a time"},
	{Name: "LIMIT_SOCKETS_PER_SUBJECT", Default: 64, Least: 1, Most: most, Unit: "WebSockets", For: "of one subject, open at a time"},
}
