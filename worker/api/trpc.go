package api

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// The procedures.
const (
	pullPath = "sync.pull"
	pushPath = "sync.push"
)

// leastAnswerBytes must be left of the bound of an HTTP answer, or the next call
// of the batch is not run.
const leastAnswerBytes = 1 << 10

// errBatchTooLarge is the error of a call whose answer does not fit into the
// HTTP answer beside those of the calls before it.
var errBatchTooLarge = &trpc.Error{Code: trpc.PayloadTooLarge, Message: "The answers of this batch are too large together: ask in requests of their own"}

func (s *server) trpc(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", trpc.Vary)
	request, bad := s.router.Parse(trpc.Head{
		Method:      r.Method,
		Path:        strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/trpc"), "/"),
		Query:       queryOf(r),
		ContentType: r.Header.Get("Content-Type"),
		TRPCAccept:  r.Header.Get("Trpc-Accept"),
		Accept:      r.Header.Get("Accept"),
	})
	refuse := func(err error) {
		e := s.explain(w, r, err)
		if bad != nil {
			writeAnswer(w, trpc.Whole(e))
			return
		}
		writeAnswer(w, request.Refuse(e))
	}
	id, err := s.identify(r)
	if err != nil {
		refuse(err)
		return
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	calls := 1
	if bad == nil {
		calls = len(request.Calls)
	}
	if err := s.spend(id, calls); err != nil {
		refuse(err)
		return
	}
	if bad != nil {
		refuse(bad)
		return
	}
	if request.Allow != "" {
		w.Header().Set("Allow", request.Allow)
	}
	for i := range request.Calls {
		call := &request.Calls[i]
		if err := permitCall(id, *call); err != nil && call.Err == nil {
			call.Err = s.explain(w, r, err)
		}
	}
	var body []byte
	if limit := bodyLimit(request); limit > 0 {
		if body, err = s.readJSON(r, limit); err != nil {
			refuse(err)
			return
		}
	}
	request.ReadInput(body)
	writeAnswer(w, request.Answer(s.callAll(w, r, request.Calls)))
}

// callAll runs the calls of one request, in order. Their answers have one bound
// together, LIMIT_PULL_BYTES: a call over it fails, and the others stand.
func (s *server) callAll(w http.ResponseWriter, r *http.Request, calls []trpc.Call) []trpc.Result {
	results := make([]trpc.Result, len(calls))
	left := s.Settings.Sync.PullBytes
	for i, call := range calls {
		if call.Err != nil {
			continue
		}
		if i > 0 && left < leastAnswerBytes {
			results[i].Err = errBatchTooLarge
			continue
		}
		calls[i].Input = nil // it is a view of the body, which is needed no longer
		data, size, err := s.call(r, call, s.budget(left))
		keep(r.Context())
		switch {
		case errors.Is(err, watermelon.ErrTooLarge) && call.Path == pullPath && left < s.Settings.Sync.PullBytes:
			err = errBatchTooLarge
			fallthrough
		case err != nil:
			results[i].Err = s.explain(w, r, err)
		default:
			results[i].Data = data
			left -= size
		}
	}
	return results
}

// permitCall refuses an identity that may not call the procedure.
func permitCall(id auth.Identity, call trpc.Call) error {
	if call.Path == pullPath {
		return permit(id, auth.SyncRead)
	}
	return permit(id, auth.SyncWrite)
}

// bodyLimit is how long the body of the request may be: 0 if it is not read, for
// it has none or none of its calls will be made.
func bodyLimit(request *trpc.Request) (limit int64) {
	if !request.HasBody {
		return 0
	}
	for _, call := range request.Calls {
		switch {
		case call.Err != nil:
		case call.Kind == trpc.Mutation:
			return math.MaxInt64 // LIMIT_BODY_BYTES alone bounds it
		default:
			limit = smallBytes
		}
	}
	return limit
}

// budget is that of a pull when the HTTP answer has so many octets left.
func (s *server) budget(left int) store.Budget {
	b := memoryBudget
	if left < s.Settings.Sync.PullBytes {
		b.Octets = max(left, 1)
	}
	return b
}

// call runs one call. It returns about how many octets its data has.
func (s *server) call(r *http.Request, call trpc.Call, b store.Budget) (data ijson.Pieces, octets int, err error) {
	if bytes.HasPrefix(call.Input, []byte(`{"json":`)) {
		return nil, 0, &trpc.Error{Code: trpc.BadRequest, Message: "The input was made by superjson: make the client without a transformer, none is supported"}
	}
	if call.Path == pullPath {
		return s.Sync.Pull(r.Context(), s.Now(), call.Input, b)
	}
	answer, err := s.push(r.Context(), call.Input)
	return ijson.Whole(answer), len(answer), err
}

// queryOf reads the query of a URL. What is not URL-encoded stands for itself:
// net/url would leave it out, and a pull without its input is a first pull.
// URL standard, 5.1.
func queryOf(r *http.Request) url.Values {
	decode := func(text string) string {
		if plain, err := url.QueryUnescape(text); err == nil {
			return plain
		}
		return text
	}
	query := url.Values{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		query.Add(decode(name), decode(value))
	}
	return query
}

func writeAnswer(w http.ResponseWriter, a trpc.Answer) { writePieces(w, a.Status, a.Body) }
