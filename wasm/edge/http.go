//go:build !js

package edge

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"tidemark/shared/abi"
)

// ServeHTTP answers a static asset if there is one, and has the guest answer
// otherwise.
func (w *Worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.assets.serve(rw, r) || w.serveHealth(rw, r) {
		return
	}
	body := newBody(rw, r, w.clock)
	c := &call{
		head: appendHead(make([]byte, 0, 512), r), body: body,
		replayable: r.Method == http.MethodGet || r.Method == http.MethodHead,
	}
	w.ask(c)
	if body == nil || c.answer.forward != nil {
		w.write(rw, r, c.answer)
	} else {
		w.writeOver(rw, r, body, c.answer)
	}
}

// ask has the guest answer the call.
func (w *Worker) ask(c *call) {
	s := w.free()
	c.s = s
	c.begin()
	if !c.ended {
		c.limit()
	}
	if !c.answered {
		c.ready = make(chan struct{})
	}
	s.unlock()
	if c.ready != nil {
		c.wait()
	}
}

// wait waits for the answer, and meanwhile takes the body if the guest asks for
// it. It waits whatever the client does: one that half-closed its connection
// reads on.
func (c *call) wait() {
	if c.body == nil {
		<-c.ready
		return
	}
	for {
		select {
		case <-c.ready:
			return
		case ask := <-c.body.asked:
			pieces, err := c.body.take(ask.limit)
			c.s.lock()
			c.body.again = c.body.kept != nil
			ask.i.settle(c, ask.op, result{pieces: pieces}, err)
			c.s.unlock()
		}
	}
}

const (
	// smallRest is how much may be left of a body for its connection to be used again.
	smallRest = 64 << 10
	// leastDropped is how much of a body is dropped at least, however low the limits.
	leastDropped = 1 << 20
	// droppedLimits is how much of a body is dropped at most, in LIMIT_BODY_BYTES.
	droppedLimits = 8
)

// writeOver answers a client that may still be sending its body. Many clients
// read no answer before they have sent everything, so the rest is read and
// dropped after it.
func (w *Worker) writeOver(rw http.ResponseWriter, r *http.Request, body *body, a answer) {
	if body.ended {
		w.write(rw, r, a)
		return
	}
	silent := body.expects && !body.begun // it sends nothing unless it is asked
	again := !silent && !body.broken && body.length >= 0 && body.length-body.count <= smallRest
	if !again {
		rw.Header().Set("Connection", "close")
	}
	body.control.EnableFullDuplex() // or net/http would read on before it answers
	w.write(rw, r, a)
	body.control.Flush()
	if !silent {
		body.drop(max(droppedLimits*w.maxBody, leastDropped), w.callLimit)
	}
	if again && !body.ended {
		panic(http.ErrAbortHandler) // what comes next is no request
	}
	if !body.ended {
		body.interrupt() // what net/http would still read
	}
}

// write answers the client. Nothing changes an answer once it is there.
func (w *Worker) write(rw http.ResponseWriter, r *http.Request, a answer) {
	switch {
	case a.lost != "":
		WriteFailure(rw, r, http.StatusInternalServerError, a.lost)
	case a.forward != nil:
		f, err := abi.DecodeForward(a.forward)
		if err != nil {
			WriteFailure(rw, r, http.StatusInternalServerError, "the guest forwarded to nowhere")
			return
		}
		w.accept(rw, r, f)
	default:
		head, err := abi.DecodeResponse(a.head)
		if err != nil || head.Status < 200 {
			WriteFailure(rw, r, http.StatusInternalServerError, "the guest's answer is malformed")
			return
		}
		h := rw.Header()
		h["Content-Type"] = nil // none, unless the guest says so
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
		if !bodyless && (length > 0 || r.Method != http.MethodHead) { // of HEAD it would be the length of GET
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

// WriteFailure answers for the host, in the shape of the request's path, as the glue
// on workerd does.
func WriteFailure(rw http.ResponseWriter, r *http.Request, status int, message string) {
	header, body := abi.Failure{Status: status, Path: r.URL.Path, Message: message}.Answer()
	for _, field := range header {
		rw.Header().Set(field[0], field[1])
	}
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	rw.Write(body)
}

// A failureWriter answers with a Failure where a library would answer an error with
// plain text.
type failureWriter struct {
	http.ResponseWriter
	r      *http.Request
	status int // of the error
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

// appendHead appends the text of an abi.Request: header names in lower case,
// values of one name joined as fetch joins them, the peer's address added.
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
