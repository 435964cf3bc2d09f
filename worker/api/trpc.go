package api

import (
	"bytes"
	"errors"
	"io"
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
	var body []byte
	if request.HasBody {
		if body, err = readBody(r, s.Settings.BodyBytes); err != nil {
			refuse(err)
			return
		}
	}
	request.ReadInput(body)
	writeAnswer(w, request.Answer(s.callAll(w, r, id, request.Calls)))
}

// callAll runs the calls of one request, in order. Their answers have one bound
// together, LIMIT_PULL_BYTES: a call over it fails, and the others stand.
func (s *server) callAll(w http.ResponseWriter, r *http.Request, id auth.Identity, calls []trpc.Call) []trpc.Result {
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
		data, size, err := s.call(r, id, call, s.budget(left))
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

// budget is that of a pull when the HTTP answer has so many octets left.
func (s *server) budget(left int) store.Budget {
	if left == s.Settings.Sync.PullBytes {
		return store.Budget{}
	}
	return store.Budget{Octets: max(left, 1)}
}

// call runs one call. It returns about how many octets its data has.
func (s *server) call(r *http.Request, id auth.Identity, call trpc.Call, b store.Budget) (data ijson.Pieces, octets int, err error) {
	if bytes.HasPrefix(call.Input, []byte(`{"json":`)) {
		return nil, 0, &trpc.Error{Code: trpc.BadRequest, Message: "The input was made by superjson: make the client without a transformer, none is supported"}
	}
	if call.Path == pullPath {
		if err := permit(id, auth.SyncRead); err != nil {
			return nil, 0, err
		}
		return s.Sync.Pull(r.Context(), s.Now(), call.Input, b)
	}
	if err := permit(id, auth.SyncWrite); err != nil {
		return nil, 0, err
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

// trustedBytes is how much is set aside for a body before any of it came.
const trustedBytes = 64 << 10

// readBody reads a body of at most limit bytes. It does not copy one that is
// in memory, as the guest's are. Otherwise the length that a client claims is
// believed, and set aside, once a part of it has come.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	if there, ok := r.Body.(interface{ Whole() []byte }); ok && int64(len(there.Whole())) <= limit {
		return there.Whole(), nil
	}
	reader := http.MaxBytesReader(nil, r.Body, limit)
	b := make([]byte, 0, min(max(r.ContentLength, 0), trustedBytes)+512)
	for {
		n, err := reader.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if n := int64(len(b)); n == int64(cap(b)) {
			b = append(make([]byte, 0, max(2*n, min(r.ContentLength+512, 16*n))), b...)
		}
	}
}
