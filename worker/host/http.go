//go:build js && wasm

package host

import (
	"net/url"
	"runtime/debug"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/web"
)

//go:wasmexport request
func request(id, head, headLen, length int32) int32 {
	e := newExchange(id)
	text := takeText(head, headLen)
	e.begin(func() { e.serve(text, int64(length), serveHTTP) })
	return ready()
}

func serveHTTP(w web.ResponseWriter, r *web.Request) { config.Handler.ServeHTTP(w, r) }

// An exchange is the call of a request, with what every response needs: one allocation costs less
// than several.
type exchange struct {
	call
	w      responseWriter
	fields [8][2]string // of the usual response
}

func newExchange(id int32) *exchange {
	e := &exchange{}
	e.enlist(id)
	e.w.c, e.w.header = &e.call, e.fields[:0]
	return e
}

// A Server is a Room that serves requests, too. Forward.Request hands them to it.
type Server interface {
	// Serve is as the method of web.Handler. It may wait. It acts on the object inside
	// Object.Enter only.
	Serve(w web.ResponseWriter, r *web.Request, attachment []byte)
}

//go:wasmexport object_request
func objectRequest(id, object, head, headLen, length, data, dataLen int32) int32 {
	e := newExchange(id)
	text, attachment := takeText(head, headLen), take(data, dataLen)
	o, err := e.begins(object)
	e.begin(func() {
		e.serve(text, int64(length), func(w web.ResponseWriter, r *web.Request) {
			if err != nil {
				panic(err)
			}
			o.room.(Server).Serve(w, r, attachment)
		})
	})
	return ready()
}

// serve runs a handler and sends its response, or 500 if the handler does not return.
func (e *exchange) serve(head string, length int64, handle func(web.ResponseWriter, *web.Request)) {
	c, w := &e.call, &e.w
	returned := false       // stays false if the handler panics or ends its goroutine
	var failure abi.Failure // what is known of the request
	defer c.end()
	defer func() {
		if p := recover(); !returned {
			Log.Error("a handler did not return", "panic", p, "stack", string(debug.Stack()), "request_id", failure.RequestID)
			hostWrite(c.id, nil, 0)
			w = &responseWriter{route: w.route}
			failure.Status, failure.Message = web.StatusInternalServerError, "internal error"
			w.fail(failure)
			c.forward = nil
		}
		c.respond(w)
	}()
	r, err := newRequest(head)
	if err == nil {
		failure.Path = r.URL.Path
		failure.RequestID, failure.Traceparent = r.Header.Get(abi.RequestIDHeader), r.Header.Get(abi.TraceparentHeader)
		if r.ContentLength = length; length != 0 {
			r.Body = &body{c: c, length: length}
		}
		handle(w, r.WithContext(c))
	} else {
		w.fail(abi.Failure{Status: web.StatusBadRequest, Message: "The request is malformed: " + err.Error()})
	}
	returned = true
}

// fail makes the response a failure.
func (w *responseWriter) fail(f abi.Failure) {
	fields, body := f.Answer()
	for _, field := range fields {
		w.header.Set(field[0], field[1])
	}
	w.WriteHeader(f.Status)
	w.body = body
}

// respond sends the response, or the Forward, to the host.
func (c *call) respond(w *responseWriter) {
	report(c.id, &c.counts)
	if c.forward != nil {
		c.forward.Route = w.route
		frame := abi.AppendForward(nil, *c.forward)
		hostForward(c.id, pointer(frame), int32(len(frame)))
		return
	}
	head := w.appendHead(headBuffer[:0])
	hostRespond(c.id, pointer(head), int32(len(head)), pointer(w.body), int32(len(w.body)))
}

// newRequest returns the server's request for the host's text.
func newRequest(head string) (r web.Request, err error) {
	h, err := abi.DecodeRequest(head)
	if err != nil {
		return r, err
	}
	u, err := web.ParseURL(h.URL)
	if err != nil {
		if u, err = url.Parse(escapePercents(h.URL)); err != nil {
			return r, err
		}
	}
	r = web.Request{Method: h.Method, URL: u, Host: u.Host, Header: h.Header}
	r.RemoteAddr = r.Header.Get("Cf-Connecting-Ip")
	return r, nil
}

// escapePercents escapes each % that begins no escape. A URL may hold such a %, if
// the client did not encode a name. WHATWG URL, 1.3.
func escapePercents(url string) string {
	var b strings.Builder
	for i := range len(url) {
		b.WriteByte(url[i])
		if url[i] == '%' && !(i+2 < len(url) && isHex(url[i+1]) && isHex(url[i+2])) {
			b.WriteString("25")
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// maxGathered is how many bytes of a response's body stay in the guest's memory.
const maxGathered = 64 << 10

// responseWriter gathers a response. It sends a short one in one piece. It sends
// the bytes of a long one early, so that the guest's memory does not hold them.
type responseWriter struct {
	c      *call
	header web.Header
	status int
	route  string
	body   []byte
}

// SetRoute notes the pattern of the request's route.
func (w *responseWriter) SetRoute(pattern string) { w.route = pattern }

func (w *responseWriter) Header() *web.Header { return &w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.WriteHeader(web.StatusOK)
	if len(w.body)+len(b) > maxGathered && len(w.body) > 0 {
		hostWrite(w.c.id, pointer(w.body), int32(len(w.body)))
		w.body = w.body[:0]
	}
	if len(b) > maxGathered {
		hostWrite(w.c.id, pointer(b), int32(len(b)))
	} else {
		w.body = append(w.body, b...)
	}
	return len(b), nil
}

// headBuffer is where a response's head is written, if it fits, until the host has copied it.
var headBuffer [1024]byte

// appendHead appends the text of abi.Response. It cuts a value at a line break.
func (w *responseWriter) appendHead(b []byte) []byte {
	w.WriteHeader(web.StatusOK)
	b = abi.AppendStatus(b, w.status, w.route)
	for _, field := range w.header {
		value, _, _ := strings.Cut(field[1], "\n")
		value, _, _ = strings.Cut(value, "\r")
		b = abi.AppendHeaderLine(b, field[0], value)
	}
	return b
}
