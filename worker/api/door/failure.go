package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/logline"
	"tidemark/shared/web"
	"tidemark/worker/store"
)

// A Kind is why a request failed, in no dialect.
type Kind uint8

// The kinds of failures.
const (
	InternalError Kind = iota
	BadRequest
	Unauthorized
	Forbidden
	NotFound
	MethodNotSupported
	Timeout
	Conflict
	PreconditionFailed
	PayloadTooLarge
	UnsupportedMediaType
	UpgradeRequired
	TooManyRequests
	NotImplemented
	ServiceUnavailable
	InsufficientStorage
)

var kinds = [...]struct {
	name   string
	status int
}{
	InternalError:        {"internal_server_error", web.StatusInternalServerError},
	BadRequest:           {"bad_request", web.StatusBadRequest},
	Unauthorized:         {"unauthorized", web.StatusUnauthorized},
	Forbidden:            {"forbidden", web.StatusForbidden},
	NotFound:             {"not_found", web.StatusNotFound},
	MethodNotSupported:   {"method_not_supported", web.StatusMethodNotAllowed},
	Timeout:              {"timeout", web.StatusRequestTimeout},
	Conflict:             {"conflict", web.StatusConflict},
	PreconditionFailed:   {"precondition_failed", web.StatusPreconditionFailed},
	PayloadTooLarge:      {"payload_too_large", web.StatusRequestEntityTooLarge},
	UnsupportedMediaType: {"unsupported_media_type", web.StatusUnsupportedMediaType},
	UpgradeRequired:      {"upgrade_required", web.StatusUpgradeRequired},
	TooManyRequests:      {"too_many_requests", web.StatusTooManyRequests},
	NotImplemented:       {"not_implemented", web.StatusNotImplemented},
	ServiceUnavailable:   {"service_unavailable", web.StatusServiceUnavailable},
	InsufficientStorage:  {"insufficient_storage", web.StatusInsufficientStorage},
}

// Name is the kind as in "bad_request".
func (k Kind) Name() string { return kinds[k].name }

// Status is the kind as an HTTP status.
func (k Kind) Status() int { return kinds[k].status }

// A Failure is an error whose kind and message the client gets. Each dialect writes it
// in a form of its own.
type Failure struct {
	Kind    Kind
	Message string
	// Members are what the dialect's error object has besides the kind and the
	// message: JSON members without braces, such as `"table":"customers"`.
	Members []byte

	header, value string // of the response; "": none
}

// Fail returns a failure.
func Fail(k Kind, message string) *Failure { return &Failure{Kind: k, Message: message} }

// With adds a header to the response. A failure has at most one.
func (f *Failure) With(header, value string) *Failure {
	f.header, f.value = header, value
	return f
}

func (f *Failure) Error() string { return f.Kind.Name() + ": " + f.Message }

// errEnclosed is the misuse of an object of class Space.
var errEnclosed = errors.New("a request of a space came without an identity")

// ErrNoPath is the failure of a path that no route has.
var ErrNoPath = Fail(NotFound, "Nothing is served at this path")

// ErrBusy is the failure of a request for which there is no memory.
var ErrBusy = Fail(ServiceUnavailable, "The server has no memory to spare at the moment: ask again in 2 s").With("Retry-After", "2")

// errOverloaded is the failure of what a database or a room cannot do at the moment.
var errOverloaded = Fail(ServiceUnavailable, "The database or the room is overloaded or out of reach: send the same again in 5 s").With("Retry-After", "5")

// ErrFull is the failure of what there is no space to store.
var ErrFull = Fail(InsufficientStorage, "The server's disk is full, and nothing was stored: send the same again in 30 s").With("Retry-After", "30")

// wrongMethod is the failure of a path that exists, but not with this method.
func wrongMethod(allowed []string) error {
	allow := strings.Join(allowed, ", ")
	return Fail(MethodNotSupported, "Use "+allow).With("Allow", allow)
}

// Logger returns a log whose lines name the request, as those of the host do.
func (c *Call) Logger() *logline.Logger {
	log := c.Log
	if id := c.R.Header.Get(abi.RequestIDHeader); id != "" {
		log = log.With("request_id", id)
	}
	if parent := c.R.Header.Get(abi.TraceparentHeader); parent != "" {
		log = log.With("traceparent", parent)
	}
	return log
}

// logChange says in the log who changed what.
func (c *Call) logChange() {
	args := []any{"action", c.Route.Name, "subject", c.ID.Subject, "space", nil}
	if c.Space.Name != "" {
		args[len(args)-1] = c.Space.Name
	}
	c.Logger().Info("change", append(args, c.Changed...)...)
}

// Explain turns any error into a failure, and sets its header. It logs an internal
// error: the client gets no more than "Internal error".
func (c *Call) Explain(err error) *Failure {
	f := c.failureOf(err)
	if f.header != "" {
		c.W.Header().Set(f.header, f.value)
	}
	return f
}

func (c *Call) failureOf(err error) *Failure {
	var failure *Failure
	var tooLong *web.MaxBytesError
	switch {
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &tooLong):
		return Fail(PayloadTooLarge, fmt.Sprintf("The body is larger than %d bytes", tooLong.Limit))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Fail(BadRequest, "The body ends too early, or is not in chunks as it says")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Fail(Timeout, "The body came too slowly: nothing for 10 seconds, or less than 1 KB a second")
	case errors.Is(err, store.ErrNewerLayout): // S3
		return Fail(ServiceUnavailable, "The space cannot be served: "+err.Error())
	}
	// Not the whole URL, whose query may hold a token or a ticket.
	method, path := c.R.Method, c.R.URL.Path
	var failed abi.OpError
	if abi.Full(err) {
		if c.logsFull() {
			c.Log.Error("the disk is full: requests that write fail", "method", method, "path", path, "error", err)
		}
		return ErrFull
	}
	if errors.As(err, &failed) && failed.Passes() {
		c.Logger().Warn("request failed, and may be sent again", "method", method, "path", path, "error", err)
		return errOverloaded
	}
	if store.Unmigrated(err) {
		err = fmt.Errorf("%w: were the migrations applied that the declared tables need?", err)
	}
	c.Logger().Error("request failed", "method", method, "path", path, "error", err)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Fail(Timeout, "The request, with its body, took longer than LIMIT_CALL_MS")
	}
	return Fail(InternalError, "Internal error")
}

// logsFull reports whether a line says now that the disk is full: one does in a minute.
func (d *Door) logsFull() bool {
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.full.Due(now)
}

// Refuse writes an error as {"error":{"code":"NAME","message":"…",…}}, or closes
// the WebSocket that the client asks for.
func Refuse(c *Call, err error) { RefuseSaying(c, err, nil) }

// RefuseSaying is Refuse, but that a WebSocket first gets the message that
// farewell returns for the reason.
func RefuseSaying(c *Call, err error, farewell func(reason string) []byte) {
	f := c.Explain(err)
	if IsUpgrade(c.R) && c.RefuseSocket(f.Kind.Status(), f.Message, farewell) == nil {
		return
	}
	b := ijson.AppendString([]byte(`{"error":{"code":`), strings.ToUpper(f.Kind.Name()))
	b = ijson.AppendString(append(b, `,"message":`...), f.Message)
	if len(f.Members) > 0 {
		b = append(append(b, ','), f.Members...)
	}
	c.WriteJSON(f.Kind.Status(), append(b, '}', '}'))
}
