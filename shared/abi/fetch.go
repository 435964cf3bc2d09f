package abi

import (
	"encoding/binary"
	"strings"
	"time"
)

// A Fetch is a request to another server (OpFetch). Its URL comes from the guest's
// variables, or from a document at such a URL, and never from a client.
// Names of headers are in lower case.
type Fetch struct {
	Request
	Body     []byte
	Timeout  time.Duration // until the end of the response
	MaxBytes int           // of the response's body; 0: the host drops the body
	Reach    Reach
}

// A Reach says which servers a Fetch may reach.
type Reach uint32

const (
	// ReachTrusted: by https any server, by http those of the host itself, or in development all.
	ReachTrusted Reach = iota
	// ReachPublic: by https servers with a public address. The host checks the address to which
	// it connects, and not only the name.
	ReachPublic
	// ReachAny: any server, by https or http.
	ReachAny
)

// The greatest values that a host allows in a Fetch.
const (
	MaxFetchTimeout = time.Minute
	MaxFetchBytes   = 16 << 20
)

// AppendFetch appends u32 timeout in milliseconds, u32 MaxBytes, u32 Reach, the head of the
// request as a text, then its body.
func AppendFetch(b []byte, f Fetch) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Timeout.Milliseconds()))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.MaxBytes))
	b = binary.LittleEndian.AppendUint32(b, uint32(f.Reach))
	return append(AppendText(b, string(AppendRequest(nil, f.Request))), f.Body...)
}

// DecodeFetch is the inverse of AppendFetch; the body is a view.
func DecodeFetch(b []byte) (Fetch, error) {
	r := reader{b: b}
	f := Fetch{Timeout: time.Duration(r.u32()) * time.Millisecond, MaxBytes: r.u32(), Reach: Reach(r.u32())}
	head := r.text()
	f.Body = r.b
	if r.failed {
		return Fetch{}, ErrFrame
	}
	var err error
	f.Request, err = DecodeRequest(string(head))
	return f, err
}

// A Fetched is the response to a Fetch: its head as a text, then its body. The host
// does not follow a redirect, but returns it.
type Fetched struct {
	Response
	Body []byte
}

// Get returns the first header of that name, "" if there is none.
func (f Fetched) Get(name string) string {
	for _, h := range f.Header {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// AppendFetched appends the frame.
func AppendFetched(b []byte, f Fetched) []byte {
	return append(AppendText(b, string(AppendResponse(nil, f.Response))), f.Body...)
}

// DecodeFetched is the inverse of AppendFetched; the body is a view.
func DecodeFetched(b []byte) (Fetched, error) {
	head, body, err := CutText(b)
	if err != nil {
		return Fetched{}, err
	}
	f := Fetched{Body: body}
	f.Response, err = DecodeResponse(head)
	return f, err
}
