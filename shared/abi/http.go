package abi

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// A Request is the head of an HTTP request. On the wire it is text: method,
// space, absolute URL, then one "name: value" a line, names in lower case,
// lines divided by "\n" (neither URLs nor header values can hold one).
type Request struct {
	Method, URL string
	Header      [][2]string
}

// AppendRequest appends the head's text.
func AppendRequest(b []byte, r Request) []byte {
	b = append(append(append(b, r.Method...), ' '), r.URL...)
	return appendHeader(b, r.Header)
}

// DecodeRequest is the inverse of AppendRequest. The strings of the result are parts of head.
func DecodeRequest(head string) (Request, error) {
	first, rest, _ := strings.Cut(head, "\n")
	method, url, ok := strings.Cut(first, " ")
	if !ok || method == "" {
		return Request{}, ErrFrame
	}
	header, err := decodeHeader(rest)
	return Request{Method: method, URL: url, Header: header}, err
}

// A Response is the head of an HTTP response: the status in decimal, a space and Route if
// there is one, then the header lines as in Request.
type Response struct {
	Status int
	Route  string // the pattern of the request's route, such as /yjs/{room}; "": it has none
	Header [][2]string
}

// AppendResponse appends the head's text.
func AppendResponse(b []byte, r Response) []byte {
	return appendHeader(AppendStatus(b, r.Status, r.Route), r.Header)
}

// AppendStatus appends the first line of the head of a Response.
func AppendStatus(b []byte, status int, route string) []byte {
	b = strconv.AppendInt(b, int64(status), 10)
	if route != "" {
		b = append(append(b, ' '), route...)
	}
	return b
}

// DecodeResponse is the inverse of AppendResponse.
func DecodeResponse(b []byte) (Response, error) {
	first, rest, _ := strings.Cut(string(b), "\n")
	number, route, _ := strings.Cut(first, " ")
	status, err := strconv.Atoi(number)
	if err != nil || status < 100 || status > 599 {
		return Response{}, ErrFrame
	}
	header, err := decodeHeader(rest)
	return Response{Status: status, Route: route, Header: header}, err
}

func appendHeader(b []byte, header [][2]string) []byte {
	for _, h := range header {
		b = AppendHeaderLine(b, h[0], h[1])
	}
	return b
}

// AppendHeaderLine appends one header to the head of a Request or Response. The value must not
// hold a line break.
func AppendHeaderLine(b []byte, name, value string) []byte {
	return append(append(append(append(b, '\n'), name...), ": "...), value...)
}

func decodeHeader(s string) ([][2]string, error) {
	if s == "" {
		return nil, nil
	}
	header := make([][2]string, 0, strings.Count(s, "\n")+1)
	for s != "" {
		var line string
		line, s, _ = strings.Cut(s, "\n")
		colon := strings.IndexByte(line, ':')
		if colon < 0 || !strings.HasPrefix(line[colon:], ": ") {
			return nil, ErrFrame
		}
		header = append(header, [2]string{line[:colon], line[colon+2:]})
	}
	return header, nil
}

// Forward hands a request to an object. It holds a byte, 1 if Request is set, 2 if Several is set and
// otherwise 0, then the binding of the object's class, its name, the subprotocol of the
// response (none: ""), the socket's owner, as a short text of the guest's choice (no
// owner: ""), and the request's Route as in Response: five texts. The attachment's bytes
// follow.
//
// If Request is set, the object gets the request as object_request, with the
// attachment. The host passes on its response, and performs its Forward, which must not set
// Request. Otherwise the request is an upgrade. The object completes it and gets the
// attachment by EventOpen. Without a binding it is a Refusal.
//
// If Several is set, the request is an upgrade that the host itself completes: the socket is of several
// documents, in the dialect of Hocuspocus. Name is the path below which the documents are. The host
// sends the guest a request for each document, an upgrade: docs/protocol.md, H4.
//
// The host bounds how many sockets are open, of one owner and in all. It accepts a
// socket over a limit only to close it with CloseOwnerFull or CloseFull.
type Forward struct {
	Request, Several                      bool
	Binding, Name, Protocol, Owner, Route string
	Attachment                            []byte
}

// The close codes of sockets over a limit. The client may try again later.
const (
	CloseFull      = 4503
	CloseOwnerFull = 4529
)

// CloseBroke is the close code by which the host says that the connection broke that had the socket of one
// document among several. No client sees it.
const CloseBroke = 4006

// AppendForward appends the frame.
func AppendForward(b []byte, f Forward) []byte {
	kind := byte(0)
	switch {
	case f.Request:
		kind = 1
	case f.Several:
		kind = 2
	}
	b = append(b, kind)
	for _, text := range [...]string{f.Binding, f.Name, f.Protocol, f.Owner, f.Route} {
		b = AppendText(b, text)
	}
	return append(b, f.Attachment...)
}

// DecodeForward is the inverse of AppendForward; the attachment is a view.
func DecodeForward(b []byte) (Forward, error) {
	if len(b) == 0 || b[0] > 2 {
		return Forward{}, ErrFrame
	}
	r := reader{b: b[1:]}
	f := Forward{
		Request: b[0] == 1, Several: b[0] == 2,
		Binding: string(r.text()), Name: string(r.text()), Protocol: string(r.text()), Owner: string(r.text()), Route: string(r.text()),
	}
	f.Attachment = r.b
	if r.failed {
		return Forward{}, ErrFrame
	}
	return f, nil
}

// A Refusal rejects an upgrade without a room. The host accepts the socket, sends
// Message as a binary message unless it is empty, and closes with Code and at most
// 123 bytes of Reason. Browsers hide an HTTP status, but they show these. A Refusal
// travels as a Forward without a binding, whose name is the reason
// and whose attachment is u16 code, then the message.
type Refusal struct {
	Code     int
	Reason   string
	Protocol string
	Message  []byte
}

// Forward returns the refusal as a Forward.
func (r Refusal) Forward() Forward {
	attachment := binary.LittleEndian.AppendUint16(nil, uint16(r.Code))
	return Forward{Name: r.Reason, Protocol: r.Protocol, Attachment: append(attachment, r.Message...)}
}

// Refusal returns the refusal that f is, or false.
func (f Forward) Refusal() (Refusal, bool) {
	if f.Binding != "" || f.Several || len(f.Attachment) < 2 {
		return Refusal{}, false
	}
	code := int(binary.LittleEndian.Uint16(f.Attachment))
	return Refusal{Code: code, Reason: f.Name, Protocol: f.Protocol, Message: f.Attachment[2:]}, true
}

// A Conn is an open socket of an object, with its attachment.
type Conn struct {
	ID         int32
	Attachment []byte
}

// AppendConns appends u32 id and the attachment as a text for each.
func AppendConns(b []byte, conns []Conn) []byte {
	for _, c := range conns {
		b = binary.LittleEndian.AppendUint32(b, uint32(c.ID))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(c.Attachment)))
		b = append(b, c.Attachment...)
	}
	return b
}

// DecodeConns is the inverse of AppendConns.
func DecodeConns(b []byte) ([]Conn, error) {
	r := reader{b: b}
	var conns []Conn
	for len(r.b) > 0 {
		conns = append(conns, Conn{ID: int32(r.u32()), Attachment: bytes.Clone(r.text())})
	}
	if r.failed {
		return nil, ErrFrame
	}
	return conns, nil
}
