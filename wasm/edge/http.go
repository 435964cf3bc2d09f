//go:build !js

package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"tidemark/shared/abi"
)

// ServeHTTP answers a static asset if there is one, and has the guest answer
// otherwise.
func (w *Worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.assets.serve(rw, r) {
		return
	}
	body, ok, err := readBody(r, w.maxBody)
	if err != nil {
		http.Error(rw, "the body is incomplete", http.StatusBadRequest)
		return
	}
	c := &call{
		head: appendHead(make([]byte, 0, 512), r), body: body, bodyLen: int32(len(body)),
		replayable: r.Method == http.MethodGet || r.Method == http.MethodHead,
	}
	if !ok {
		c.bodyLen = -1
	}
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
		<-c.ready // whatever the client sends: one that half-closed its connection reads on
	}
	w.write(rw, r, c.answer)
}

// write answers the client. Nothing changes an answer once it is there.
func (w *Worker) write(rw http.ResponseWriter, r *http.Request, a answer) {
	switch {
	case a.lost != "":
		writeError(rw, a.lost)
	case a.forward != nil:
		f, err := abi.DecodeForward(a.forward)
		if err != nil {
			writeError(rw, "the guest forwarded to nowhere")
			return
		}
		w.accept(rw, r, f)
	default:
		head, err := abi.DecodeResponse(a.head)
		if err != nil || head.Status < 200 {
			writeError(rw, "the guest's answer is malformed")
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
		if !bodyless {
			h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
		}
		rw.WriteHeader(head.Status)
		if !bodyless && len(a.body) > 0 {
			rw.Write(a.body)
		}
	}
}

// writeError answers what the glue on workerd answers, word for word.
func writeError(rw http.ResponseWriter, message string) {
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": "INTERNAL_SERVER_ERROR", "message": message}})
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusInternalServerError)
	rw.Write(body)
}

// trusted is how many bytes of a body must be there before its length is
// believed: an announced one costs a client nothing.
const trusted = 64 << 10

// readBody answers the body, or false if it is over the limit; the rest of it
// is then not read.
func readBody(r *http.Request, limit int64) ([]byte, bool, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, true, nil
	}
	if r.ContentLength > limit {
		return nil, false, nil
	}
	var buffer bytes.Buffer
	n, err := io.Copy(&buffer, io.LimitReader(r.Body, min(trusted, limit+1)))
	if n == trusted && err == nil {
		// The client means it: room for all of it, not twice as much and again.
		buffer.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
		var more int64
		more, err = io.Copy(&buffer, io.LimitReader(r.Body, limit+1-n))
		n += more
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || (err == nil && n > limit) {
		return nil, false, nil
	}
	return buffer.Bytes(), true, err
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
