package api

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/watermelon"
)

// Settings are what variables of the environment say:
//
//	AUTH_SECRET    the secret of tokens signed by HS256, 32 bytes or more
//	AUTH_JWKS      the public keys of tokens signed by RS256, ES256 or EdDSA: a JSON Web Key Set
//	AUTH_ISSUER    if set, the iss that tokens must have, or a list of them, divided by commas
//	AUTH_JWKS_URL  where the issuer publishes its public keys; a list in the order of AUTH_ISSUER.
//	               An issuer without it and without other keys is asked by OpenID discovery
//	AUTH_AUDIENCE  if set, the aud that tokens must have, or a list of which they must have one
//	AUTH_MAX_TTL   if set, how far the end of a token may be away, in seconds or as 24h
//	AUTH_CLAIMS    which claims count, as scope=permissions,sub=https://example.com/id
//	DEV_MODE       1 gives anyone on this machine a token for any name at /dev/login, and
//	               allows http:// for keys
//	CORS_ORIGINS   the origins whose pages may call, divided by commas; * is any (*)
//
//	LIMIT_REQUESTS_PER_MINUTE  of one subject, in one instance of the server (60000)
//	LIMIT_UPLOADS_PER_MINUTE   of one subject to one project, in one instance of the server (120)
//	LIMIT_BODY_BYTES           of one request (16777216)
//	LIMIT_BATCH_ITEMS          calls in one tRPC batch (50)
//	LIMIT_PUSH_ROWS            rows created and updated by one push (50000)
//	LIMIT_PUSH_IDS             ids deleted in one table by one push (50000)
//	LIMIT_ROW_BYTES            one row on the wire (900000, which is the most)
//	LIMIT_DEPTH                nesting of the JSON of a push or pull (32)
//	LIMIT_PAGE_ROWS            rows of one page of a pull (10000)
//	LIMIT_PULL_BYTES           the answer to one pull (25165824)
//	LIMIT_CALL_MS              of one request; the host acts on it (60000)
//	LIMIT_STRETCH_MS           of the guest without a pause; the self-hosted host acts on it (30000)
//	LIMIT_MEMORY_MB            of one instance of the server; likewise (112)
//	LIMIT_SOCKETS              open at a time; likewise (10000)
//	LIMIT_SOCKETS_PER_SUBJECT  of one subject at a time; likewise (64)
type Settings struct {
	Auth              auth.Config
	DevMode           bool
	Origins           []string // nil is any
	RequestsPerMinute int
	UploadsPerMinute  int
	BodyBytes         int64
	MemoryBytes       int // of the instance
	BatchItems        int
	Sync              watermelon.Limits // for records.New
	// Problem is why nothing but health can be served, "" if there is none.
	Problem string
}

// ReadSettings reads the variables. What is wrong with them is their Problem.
func ReadSettings(getenv func(string) string) Settings {
	s := Settings{
		Auth: auth.Config{
			Secret:    []byte(getenv("AUTH_SECRET")),
			JWKS:      []byte(getenv("AUTH_JWKS")),
			Issuers:   list(getenv("AUTH_ISSUER")),
			JWKSURLs:  list(getenv("AUTH_JWKS_URL")),
			Audiences: list(getenv("AUTH_AUDIENCE")),
			Insecure:  getenv("DEV_MODE") == "1",
		},
		DevMode:           getenv("DEV_MODE") == "1",
		RequestsPerMinute: 60_000,
		UploadsPerMinute:  120,
		BatchItems:        50,
		Sync:              watermelon.DefaultLimits(),
	}
	for origin := range strings.SplitSeq(getenv("CORS_ORIGINS"), ",") {
		if origin = strings.TrimSpace(origin); origin == "*" {
			s.Origins = nil
			break
		} else if origin != "" {
			s.Origins = append(s.Origins, origin)
		}
	}
	body, memory := 16<<20, 112
	for _, limit := range []struct {
		name string
		to   *int
		most int
	}{
		{"LIMIT_REQUESTS_PER_MINUTE", &s.RequestsPerMinute, 1e9},
		{"LIMIT_UPLOADS_PER_MINUTE", &s.UploadsPerMinute, 1e9},
		{"LIMIT_BODY_BYTES", &body, 64 << 20},
		{"LIMIT_BATCH_ITEMS", &s.BatchItems, 1000},
		{"LIMIT_PUSH_ROWS", &s.Sync.PushRows, 1e6},
		{"LIMIT_PUSH_IDS", &s.Sync.PushIDs, 1e6},
		{"LIMIT_ROW_BYTES", &s.Sync.RowBytes, watermelon.MaxRowBytes},
		{"LIMIT_DEPTH", &s.Sync.Depth, 1000},
		{"LIMIT_PAGE_ROWS", &s.Sync.PageRows, 1e6},
		{"LIMIT_PULL_BYTES", &s.Sync.PullBytes, 64 << 20},
		{"LIMIT_CALL_MS", new(int), math.MaxInt32}, // the hosts act on these
		{"LIMIT_STRETCH_MS", new(int), math.MaxInt32},
		{"LIMIT_MEMORY_MB", &memory, 2047},
		{"LIMIT_SOCKETS", new(int), 1e9},
		{"LIMIT_SOCKETS_PER_SUBJECT", new(int), 1e9},
	} {
		v := getenv(limit.name)
		if v == "" {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > limit.most {
			s.Problem = fmt.Sprintf("%s is not a number from 1 to %d", limit.name, limit.most)
			continue
		}
		*limit.to = n
	}
	s.BodyBytes, s.MemoryBytes = int64(body), memory<<20
	if problem := s.readAuth(getenv); problem != "" {
		s.Problem = problem
	}
	return s
}

// minSecretBytes is what RFC 7518, 3.2 wants of a secret for HS256. Whoever has
// one token can try shorter ones.
const minSecretBytes = 32

// readAuth reads the variables of Auth that are more than a text. It returns
// what is wrong with them.
func (s *Settings) readAuth(getenv func(string) string) (problem string) {
	var err error
	if s.Auth.Claims, err = auth.ParseMapping(getenv("AUTH_CLAIMS")); err != nil {
		return "AUTH_CLAIMS: " + err.Error()
	}
	if ttl := getenv("AUTH_MAX_TTL"); ttl != "" {
		if s.Auth.MaxTTL, err = auth.ParseTTL(ttl); err != nil {
			return "AUTH_MAX_TTL: " + err.Error()
		}
	}
	a := s.Auth
	if len(a.Secret) == 0 && len(a.JWKS) == 0 && len(a.JWKSURLs) == 0 && len(a.Issuers) == 0 {
		return "AUTH_SECRET is not set: without it, AUTH_JWKS, AUTH_JWKS_URL or AUTH_ISSUER no token can be checked and nothing is served"
	}
	if 0 < len(a.Secret) && len(a.Secret) < minSecretBytes {
		return fmt.Sprintf("AUTH_SECRET is shorter than %d bytes: a token that was seen is enough to find it", minSecretBytes)
	}
	return ""
}

// list reads texts that are divided by commas; an empty one keeps its place.
func list(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	texts := strings.Split(text, ",")
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
	}
	return texts
}
