//go:build js && wasm

package host

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"tidemark/shared/abi"
)

//go:wasmexport request
func request(id, head, headLen, length int32) {
	c := startCall(id)
	headBytes := take(head, headLen)
	begin(func() { c.serve(headBytes, int64(length)) })
}

// serve answers the call: with what the handler writes, with 500 if it does not return.
func (c *call) serve(head []byte, length int64) {
	w := &responseWriter{c: c, header: http.Header{}}
	returned := false // nor will it, if it panics or ends its goroutine
	path := ""
	defer c.end()
	defer func() {
		if p := recover(); !returned {
			logf("a handler did not return: %v\n%s", p, debug.Stack())
			hostWrite(c.id, nil, 0)
			w = &responseWriter{header: http.Header{}}
			w.fail(abi.Failure{Status: http.StatusInternalServerError, Path: path, Message: "internal error"})
			c.forward = nil
		}
		c.answer(w)
	}()
	r, err := newRequest(head)
	if err == nil {
		path = r.URL.Path
		if r.Body, r.ContentLength = http.NoBody, length; length != 0 {
			r.Body = &body{c: c, length: length}
		}
		config.Handler.ServeHTTP(w, r.WithContext(c))
	} else {
		w.fail(abi.Failure{Status: http.StatusBadRequest, Message: "The request is malformed: " + err.Error()})
	}
	returned = true
}

// fail answers with a failure.
func (w *responseWriter) fail(f abi.Failure) {
	fields, body := f.Answer()
	for _, field := range fields {
		w.header.Set(field[0], field[1])
	}
	w.WriteHeader(f.Status)
	w.body = body
}

func (c *call) answer(w *responseWriter) {
	if c.forward != nil {
		hostForward(c.id, pointer(c.forward), int32(len(c.forward)))
		return
	}
	head := w.head()
	hostRespond(c.id, pointer(head), int32(len(head)), pointer(w.body), int32(len(w.body)))
}

// newRequest makes a server's request of the host's text.
func newRequest(head []byte) (*http.Request, error) {
	h, err := abi.DecodeRequest(head)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(h.URL)
	if err != nil {
		if u, err = url.Parse(escapePercents(h.URL)); err != nil {
			return nil, err
		}
	}
	r := &http.Request{
		Method: h.Method, URL: u, Host: u.Host, RequestURI: u.RequestURI(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(h.Header)),
	}
	for _, field := range h.Header {
		r.Header.Add(field[0], field[1])
	}
	r.RemoteAddr = r.Header.Get("Cf-Connecting-Ip")
	return r, nil
}

// escapePercents escapes each % that begins no escape: a URL may hold it, and a
// name that a client did not encode does. WHATWG URL, 1.3.
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

// gathered is how much of a body is gathered before it leaves the guest.
const gathered = 64 << 10

// responseWriter gathers an answer. A short one leaves in one piece; of a long
// one, what is written leaves at once, and is in the guest's memory no longer.
type responseWriter struct {
	c      *call
	header http.Header
	status int
	body   []byte
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *responseWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(w.body)+len(b) > gathered && len(w.body) > 0 {
		hostWrite(w.c.id, pointer(w.body), int32(len(w.body)))
		w.body = w.body[:0]
	}
	if len(b) > gathered {
		hostWrite(w.c.id, pointer(b), int32(len(b)))
	} else {
		w.body = append(w.body, b...)
	}
	return len(b), nil
}

// head returns the text of abi.Response. It cuts a value at a line break.
func (w *responseWriter) head() []byte {
	w.WriteHeader(http.StatusOK)
	b := strconv.AppendInt(make([]byte, 0, 128), int64(w.status), 10)
	for name, values := range w.header {
		for _, value := range values {
			if i := strings.IndexAny(value, "\r\n"); i >= 0 {
				value = value[:i]
			}
			b = abi.AppendHeaderLine(b, name, value)
		}
	}
	return b
}
