//go:build !js

package edge

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
	"strings"

	"tidemark/shared/abi"
)

// ServeHTTP sends the static asset that matches r, if there is one. Otherwise it
// sends the guest's response.
func (w *Worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.assets.serve(rw, r) || w.serveHealth(rw, r) || w.serveReady(rw, r) {
		return
	}
	body := newBody(rw, r, w.clock)
	c := &call{
		head: appendHead(make([]byte, 0, 512), r), body: body, replayable: repeatable(r),
	}
	w.do(c)
	a := w.pass(c, r)
	if body == nil || a.forward != nil {
		w.write(rw, r, a)
	} else {
		w.writeOver(rw, r, body, a)
	}
}

// do runs the call in a free isolate, until the guest has responded.
func (w *Worker) do(c *call) {
	c.s = w.free()
	c.run()
}

// wait waits for the guest's response. Meanwhile it reads the body if the guest
// asks for it. It does not stop when the client half-closes its connection: such
// a client still reads.
func (c *call) wait() {
	if c.body == nil {
		<-c.ready
		return
	}
	for {
		select {
		case <-c.ready:
			return
		case op := <-c.body.asked:
			pieces, err := c.body.take(op.limit)
			c.s.lock()
			c.body.again = c.body.kept != nil
			op.i.settle(c, op.op, result{pieces: pieces}, err)
			c.s.unlock()
		}
	}
}

const (
	// smallRest is how many bytes of a body may be unread if its connection is to
	// serve another request.
	smallRest = 64 << 10
	// The host drops at most droppedLimits times LIMIT_BODY_BYTES of a body, or
	// minDropLimit bytes if that is more.
	minDropLimit  = 1 << 20
	droppedLimits = 8
)

// writeOver sends the response to a client that may still be sending its body.
// Many clients read no response before they have sent their whole body. So
// writeOver reads and drops the rest of the body after the response.
func (w *Worker) writeOver(rw http.ResponseWriter, r *http.Request, body *body, a answer) {
	if body.ended {
		w.write(rw, r, a)
		return
	}
	silent := body.expects && !body.begun // without a 100 Continue it sends no body
	again := !silent && !body.broken && body.length >= 0 && body.length-body.count <= smallRest
	if !again {
		rw.Header().Set("Connection", "close")
	}
	body.control.EnableFullDuplex() // otherwise net/http reads the body before it responds
	w.write(rw, r, a)
	body.control.Flush()
	if !silent {
		body.drop(max(droppedLimits*w.maxBody, minDropLimit), w.callLimit)
	}
	if again && !body.ended {
		panic(http.ErrAbortHandler) // the next bytes belong to this body, not to a request
	}
	if !body.ended {
		body.interrupt() // otherwise net/http reads on
	}
}

// write sends the answer to the client. After respond no goroutine changes an
// answer, so write needs no lock.
func (w *Worker) write(rw http.ResponseWriter, r *http.Request, a answer) {
	switch {
	case a.lost != "":
		WriteFailure(rw, r, cmp.Or(a.status, http.StatusInternalServerError), a.lost)
	case a.forward != nil:
		f, err := abi.DecodeForward(a.forward)
		if err != nil {
			WriteFailure(rw, r, http.StatusInternalServerError, "the guest forwarded to nowhere")
			return
		}
		SetRoute(rw, f.Route)
		w.accept(rw, r, f)
	default:
		head, err := abi.DecodeResponse(a.head)
		if err != nil || head.Status < 200 {
			WriteFailure(rw, r, http.StatusInternalServerError, "the guest's answer is malformed")
			return
		}
		SetRoute(rw, head.Route)
		h := rw.Header()
		h["Content-Type"] = nil // none, unless the guest sets it
		for _, field := range head.Header {
			if name := http.CanonicalHeaderKey(field[0]); name == "Content-Type" {
				h[name] = []string{field[1]}
			} else if name != "Content-Length" && name != "Transfer-Encoding" && name != "Connection" {
				h[name] = append(h[name], field[1])
			}
		}
		bodyless := head.Status == http.StatusNoContent || head.Status == http.StatusNotModified
		length := 0
		for _, part := range a.parts {
			length += len(part)
		}
		if !bodyless && (length > 0 || r.Method != http.MethodHead) { // without a body, the length for HEAD is unknown
			h["Content-Length"] = []string{strconv.Itoa(length)}
		}
		rw.WriteHeader(head.Status)
		for _, part := range a.parts {
			if !bodyless && len(part) > 0 {
				rw.Write(part)
			}
		}
	}
}

// WriteFailure sends an error of the host itself, in the shape of the request's
// path. The glue on workerd sends the same.
func WriteFailure(rw http.ResponseWriter, r *http.Request, status int, message string) {
	header, body := abi.Failure{
		Status: status, Path: r.URL.Path, Message: message,
		RequestID: r.Header.Get(abi.RequestIDHeader), Traceparent: r.Header.Get(abi.TraceparentHeader),
	}.Answer()
	for _, field := range header {
		rw.Header().Set(field[0], field[1])
	}
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	rw.Write(body)
}

// A failureWriter sends a Failure where a library sends an error as plain text.
type failureWriter struct {
	http.ResponseWriter
	r      *http.Request
	status int // of the error; 0: none
}

func (w *failureWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		w.status = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *failureWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		return w.ResponseWriter.Write(b)
	}
	WriteFailure(w.ResponseWriter, w.r, w.status, strings.TrimSpace(string(b)))
	return len(b), nil
}

const connectingIP = "Cf-Connecting-Ip"

// appendHead appends the text of an abi.Request. It writes header names in lower
// case, joins the values of one name as fetch does, and adds the peer's address.
func appendHead(b []byte, r *http.Request) []byte {
	scheme := " http://"
	if r.TLS != nil {
		scheme = " https://"
	}
	b = append(append(append(b, r.Method...), scheme...), r.Host...)
	if strings.HasPrefix(r.RequestURI, "/") {
		b = append(b, r.RequestURI...)
	} else if uri := r.URL.RequestURI(); strings.HasPrefix(uri, "/") {
		b = append(b, uri...)
	} else {
		b = append(b, '/')
	}
	b = append(append(b, "\nhost: "...), r.Host...)
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	if ip != "" {
		b = append(append(b, "\ncf-connecting-ip: "...), ip...)
	}
	for name, values := range r.Header {
		if name == connectingIP {
			continue
		}
		b = append(b, '\n')
		for i := range len(name) {
			c := name[i]
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			b = append(b, c)
		}
		b = append(b, ": "...)
		for i, value := range values {
			if i > 0 {
				b = append(b, separator(name)...)
			}
			b = append(b, value...)
		}
	}
	return b
}

func separator(name string) string {
	if name == "Cookie" {
		return "; "
	}
	return ", "
}
