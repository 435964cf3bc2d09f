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
//	AUTH_SECRET    the secret of tokens signed by HS256; at least it or AUTH_JWKS is needed
//	AUTH_JWKS      the public keys of tokens signed by RS256, ES256 or EdDSA: a JSON Web Key Set
//	AUTH_ISSUER    if set, the iss that tokens must have
//	AUTH_AUDIENCE  if set, the aud that tokens must have
//	DEV_MODE       1 gives anyone on this machine a token for any name at /dev/login
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
//	LIMIT_MEMORY_MB            of one instance of the server; likewise (112)
type Settings struct {
	Auth              auth.Config
	DevMode           bool
	Origins           []string // nil is any
	RequestsPerMinute int
	UploadsPerMinute  int
	BodyBytes         int64
	BatchItems        int
	Sync              watermelon.Limits // for store.New
	// Problem is why nothing but health can be served, "" if there is none.
	Problem string
}

// ReadSettings reads the variables. What is wrong with them is their Problem.
func ReadSettings(getenv func(string) string) Settings {
	s := Settings{
		Auth: auth.Config{
			Secret:   []byte(getenv("AUTH_SECRET")),
			JWKS:     []byte(getenv("AUTH_JWKS")),
			Issuer:   getenv("AUTH_ISSUER"),
			Audience: getenv("AUTH_AUDIENCE"),
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
	body := 16 << 20
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
		{"LIMIT_CALL_MS", new(int), math.MaxInt32}, // the hosts act on these two
		{"LIMIT_MEMORY_MB", new(int), 2047},
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
	s.BodyBytes = int64(body)
	if len(s.Auth.Secret) == 0 && len(s.Auth.JWKS) == 0 {
		s.Problem = "AUTH_SECRET is not set: without it, or AUTH_JWKS, no token can be checked and nothing is served"
	}
	return s
}
