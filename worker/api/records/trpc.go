package records

import (
	"bytes"
	"errors"
	"math"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
	"tidemark/shared/watermelon"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
)

// pullPath is the procedure whose result may have to share a response with others.
const pullPath = "sync.pull"

// A procedure is one that tRPC serves.
type procedure struct {
	kind       trpc.Kind
	permission auth.Permission
	// call returns about how many octets its data has.
	call func(h *handler, c *door.Call, input []byte, b store.Budget) (data ijson.Pieces, octets int, err error)
}

// procedures are what the routes of tRPC serve.
var procedures = map[string]procedure{
	pullPath: {trpc.Query, auth.SyncRead, (*handler).pull},
	"sync.push": {trpc.Mutation, auth.SyncWrite, func(h *handler, c *door.Call, input []byte, _ store.Budget) (ijson.Pieces, int, error) {
		answer, err := h.push(c, input)
		return ijson.Whole(answer), len(answer), err
	}},
}

func (h *handler) pull(c *door.Call, input []byte, b store.Budget) (ijson.Pieces, int, error) {
	return h.of(c).Store.Pull(c.R.Context(), callerOf(c.ID), input, b)
}

// kinds are the kinds of the procedures.
func kinds() map[string]trpc.Kind {
	list := map[string]trpc.Kind{}
	for path, p := range procedures {
		list[path] = p.kind
	}
	return list
}

// leastAnswerBytes must be left of the bound of an HTTP response, or the next call
// of the batch is not run.
const leastAnswerBytes = 1 << 10

// errBatchTooLarge is the error of a call whose result does not fit into the
// HTTP response beside those of the calls before it.
var errBatchTooLarge = door.Fail(door.PayloadTooLarge, "The results of this batch are too large together: send its calls in separate requests")

// trpc serves all calls of one HTTP request. It writes every error itself.
func (h *handler) trpc(c *door.Call) error {
	r := c.R
	c.W.Header().Add("Vary", trpc.Vary)
	router := trpc.Router{Procedures: h.procedures, MaxItems: c.Settings.BatchItems}
	request, invalid := router.Parse(trpc.Head{
		Method:      r.Method,
		Path:        strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), "/trpc"), "/"),
		Query:       door.Query(r),
		ContentType: r.Header.Get("Content-Type"),
		TRPCAccept:  r.Header.Get("Trpc-Accept"),
		Accept:      r.Header.Get("Accept"),
	})
	if invalid == nil && len(request.Calls) == 1 {
		h.setRoute(c, request.Calls[0].Path)
	}
	refuse := func(err *trpc.Error) error {
		response := trpc.ErrorResponse(err)
		if invalid == nil {
			response = request.Refuse(err)
		}
		return writeResponse(c, response)
	}
	var err error
	if err = c.Identify(); err != nil {
		return refuse(explain(c, err))
	}
	if r.Method == web.MethodHead {
		c.W.WriteHeader(web.StatusNoContent)
		return nil
	}
	calls := 1
	if invalid == nil {
		calls = len(request.Calls)
	}
	if err := c.Spend(calls); err != nil {
		return refuse(explain(c, err))
	}
	if invalid != nil {
		return refuse(invalid)
	}
	if request.Allow != "" {
		c.W.Header().Set("Allow", request.Allow)
	}
	for i := range request.Calls {
		call := &request.Calls[i]
		if err := c.Permit(procedures[call.Path].permission); err != nil && call.Err == nil {
			call.Err = explain(c, err)
		}
	}
	var body []byte
	if limit := bodyLimit(request); limit > 0 {
		if body, err = c.ReadJSON(limit); err != nil {
			return refuse(explain(c, err))
		}
	}
	request.ReadInput(body)
	return writeResponse(c, request.Respond(h.callAll(c, request.Calls)))
}

// setRoute makes the name of a procedure that exists the route of a request that calls only that.
func (h *handler) setRoute(c *door.Call, path string) {
	if _, exists := procedures[path]; !exists {
		return
	}
	if c.Space.Name == "" {
		c.W.SetRoute("/trpc/" + path)
	} else {
		c.W.SetRoute("/s/{space}/trpc/" + path)
	}
}

// callAll runs the calls of one request, in order. LIMIT_PULL_BYTES bounds their
// results together: a call over it fails, and the others stand.
func (h *handler) callAll(c *door.Call, calls []trpc.Call) []trpc.Result {
	results := make([]trpc.Result, len(calls))
	left := c.Settings.Sync.PullBytes
	for i, call := range calls {
		if call.Err != nil {
			continue
		}
		if i > 0 && left < leastAnswerBytes {
			results[i].Err = explain(c, errBatchTooLarge)
			continue
		}
		calls[i].Input = nil // it is a view of the body, which is needed no longer
		data, size, err := h.call(c, call, budget(c, left))
		door.Keep(c.R.Context())
		switch {
		case errors.Is(err, watermelon.ErrTooLarge) && call.Path == pullPath && left < c.Settings.Sync.PullBytes:
			err = errBatchTooLarge
			fallthrough
		case err != nil:
			results[i].Err = explain(c, err)
		default:
			results[i].Data = data
			left -= size
		}
	}
	return results
}

// bodyLimit returns how long the body of the request may be. It returns 0 if the
// request has no body, or if none of its calls will be made.
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
			limit = door.SmallBytes
		}
	}
	return limit
}

// budget returns the budget of a pull when the HTTP response has that many octets
// left.
func budget(c *door.Call, left int) store.Budget {
	b := door.Budget
	if left < c.Settings.Sync.PullBytes {
		b.Octets = max(left, 1)
	}
	return b
}

// call runs one call. It returns about how many octets its data has.
func (h *handler) call(c *door.Call, call trpc.Call, b store.Budget) (data ijson.Pieces, octets int, err error) {
	if bytes.HasPrefix(call.Input, []byte(`{"json":`)) {
		return nil, 0, door.Fail(door.BadRequest, "The input was made by superjson: make the client without a transformer, none is supported")
	}
	return procedures[call.Path].call(h, c, call.Input, b)
}

func writeResponse(c *door.Call, a trpc.Response) error {
	c.WritePieces(a.Status, a.Body)
	return nil
}

// explain turns any error into one of tRPC.
func explain(c *door.Call, err error) *trpc.Error {
	f := c.Explain(failureOf(err))
	return &trpc.Error{Code: codeOf(f.Kind), Message: f.Message, Data: f.Members}
}

// codeOf returns tRPC's code of a kind.
func codeOf(k door.Kind) trpc.Code {
	switch k {
	case door.BadRequest:
		return trpc.BadRequest
	case door.Unauthorized:
		return trpc.Unauthorized
	case door.Forbidden:
		return trpc.Forbidden
	case door.NotFound:
		return trpc.NotFound
	case door.MethodNotSupported:
		return trpc.MethodNotSupported
	case door.Timeout:
		return trpc.Timeout
	case door.Conflict:
		return trpc.Conflict
	case door.PreconditionFailed:
		return trpc.PreconditionFailed
	case door.PayloadTooLarge:
		return trpc.PayloadTooLarge
	case door.UnsupportedMediaType:
		return trpc.UnsupportedMediaType
	case door.TooManyRequests:
		return trpc.TooManyRequests
	case door.NotImplemented:
		return trpc.NotImplemented
	case door.ServiceUnavailable:
		return trpc.ServiceUnavailable
	case door.InsufficientStorage:
		return trpc.InsufficientStorage
	}
	return trpc.InternalServerError
}
