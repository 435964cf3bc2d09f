package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
	"tidemark/shared/watermelon"
	"tidemark/shared/yproto"
)

// A failure is an error that adds a header to the answer.
type failure struct {
	told          trpc.Error
	header, value string
}

func (f *failure) Error() string { return f.told.Error() }

func wrongMethod(allow string) error {
	return &failure{trpc.Error{Code: trpc.MethodNotSupported, Message: "Use " + allow}, "Allow", allow}
}

// errPassing stands for what a database or a room cannot do at the moment.
var errPassing = &failure{
	trpc.Error{Code: trpc.ServiceUnavailable, Message: "The database or the room is overloaded or out of reach: send the same again in 5 s"}, "Retry-After", "5",
}

// explain turns any error into what a client is told, at this one place. What
// is internal is logged instead. It sets the error's header.
func (s *server) explain(w http.ResponseWriter, r *http.Request, err error) *trpc.Error {
	var f *failure
	if errors.As(err, &f) {
		w.Header().Set(f.header, f.value)
		return &f.told
	}
	var told *trpc.Error
	var input *watermelon.InputError
	var conflict *watermelon.ConflictError
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &input):
		code := trpc.BadRequest
		if input.TooLarge {
			code = trpc.PayloadTooLarge
		}
		return &trpc.Error{Code: code, Message: input.Error(), Data: inputData(input)}
	case errors.As(err, &conflict):
		return &trpc.Error{Code: trpc.Conflict, Message: conflict.Error(), Data: conflictData(conflict)}
	case errors.Is(err, watermelon.ErrTooLarge):
		return &trpc.Error{Code: trpc.PayloadTooLarge, Message: err.Error()}
	case errors.As(err, &tooLong):
		return &trpc.Error{Code: trpc.PayloadTooLarge, Message: fmt.Sprintf("The body is larger than %d bytes", tooLong.Limit)}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &trpc.Error{Code: trpc.BadRequest, Message: "The body ends too early, or is not in chunks as it says"}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &trpc.Error{Code: trpc.Timeout, Message: "The body came too slowly: nothing for 10 seconds, or less than 1 KB a second"}
	}
	// Not the whole URL, whose query may hold a token or a ticket.
	var failed abi.OpError
	if errors.As(err, &failed) && failed.Passes() {
		s.Log.Warn("request failed, and may be sent again", "method", r.Method, "path", r.URL.Path, "error", err)
		w.Header().Set(errPassing.header, errPassing.value)
		return &errPassing.told
	}
	s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &trpc.Error{Code: trpc.Timeout, Message: "The request, with its body, took longer than LIMIT_CALL_MS"}
	}
	return &trpc.Error{Code: trpc.InternalServerError, Message: "Internal error"}
}

// inputData names what an input is wrong about.
func inputData(e *watermelon.InputError) (b []byte) {
	for _, m := range [...][2]string{{"table", e.Table}, {"id", e.ID}, {"column", e.Column}} {
		if m[1] == "" {
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendString(append(ijson.AppendString(b, m[0]), ':'), m[1])
	}
	return b
}

// conflictData is "ids":{table:[ids]}, the tables by name.
func conflictData(e *watermelon.ConflictError) []byte {
	tables := make([]string, 0, len(e.IDs))
	for table := range e.IDs {
		tables = append(tables, table)
	}
	slices.Sort(tables)
	b := []byte(`"ids":{`)
	for i, table := range tables {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(ijson.AppendString(b, table), ":["...)
		for j, id := range e.IDs[table] {
			if j > 0 {
				b = append(b, ',')
			}
			b = ijson.AppendString(b, id)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// writeTold answers {"error":{"code":"NAME","message":"…",…}}.
func writeTold(w http.ResponseWriter, e *trpc.Error) {
	b := ijson.AppendString([]byte(`{"error":{"code":`), e.Code.Name)
	b = ijson.AppendString(append(b, `,"message":`...), e.Text())
	if len(e.Data) > 0 {
		b = append(append(b, ','), e.Data...)
	}
	write(w, e.Code.Status, append(b, '}', '}'))
}

// refuse answers an error: plainly, or to who wants a WebSocket as refuseSocket
// does.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := s.explain(w, r, err)
	if !isUpgrade(r) || s.refuseSocket(w, r, e.Code.Status, e.Text()) != nil {
		writeTold(w, e)
	}
}

// refuseSocket accepts an upgrade to close it with a code, for a browser hides
// the status of an upgrade that is refused: 4000 + the status of what will not
// change by trying again, and 4500 and above of what may. y-websocket 3.1,
// defaultShouldReconnect.
func (s *server) refuseSocket(w http.ResponseWriter, r *http.Request, status int, reason string) error {
	refusal := abi.Refusal{Code: 4000 + status, Reason: reason, Protocol: protocol(r)}
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		refusal.Code += 100
	}
	if strings.HasPrefix(r.URL.Path, yjsRoot) {
		refusal.Message = yproto.AppendPermissionDenied(nil, reason)
	}
	return s.Rooms.Forward(w, r, refusal.Forward())
}
