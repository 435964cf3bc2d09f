package trpc

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/shared/ijson"
)

// A Kind is what a procedure may do.
type Kind int

// The kinds of procedures. Subscriptions over tRPC are not served.
const (
	Query    Kind = 1
	Mutation Kind = 2
)

func (k Kind) String() string {
	if k == Mutation {
		return "mutation"
	}
	return "query"
}

// A Router is every procedure by its dotted path, and how many calls one batch
// may hold.
type Router struct {
	Procedures map[string]Kind
	MaxItems   int
}

// A Head is the part of a request before its body.
type Head struct {
	Method      string
	Path        string // after the base and its slash, still escaped
	Query       url.Values
	ContentType string
	TRPCAccept  string // the header trpc-accept
	Accept      string
}

// A Call is one procedure call of a request. Err is set if the call failed before
// the procedure ran. Input is raw JSON, not validated, or empty if it is undefined.
type Call struct {
	Path  string
	Kind  Kind
	Input []byte
	Err   *Error
}

// A Request is the calls of one HTTP request.
type Request struct {
	Calls []Call
	// Allow is the header of that name of the response, "" for none.
	Allow string
	// HasBody says that the inputs are in the body, not in the URL.
	HasBody bool

	batch, stream bool
	input         string // of a GET
}

const jsonLines = "application/jsonl"

// Parse reads the head. An error is the request's as a whole: ErrorResponse is the
// response. The caller hands over the inputs with ReadInput.
func (r Router) Parse(h Head) (*Request, *Error) {
	if h.Method != "GET" && !isJSON(h.ContentType) || h.Method == "GET" && isForeign(h.ContentType) {
		message := "Missing content-type header"
		if h.ContentType != "" {
			message = fmt.Sprintf("Unsupported content-type %q", h.ContentType)
		}
		return nil, &Error{Code: UnsupportedMediaType, Message: message}
	}
	path, err := url.PathUnescape(strings.TrimSuffix(h.Path, "/"))
	if err != nil || !utf8.ValidString(path) {
		return nil, &Error{Code: BadRequest, Message: fmt.Sprintf("Invalid URL-encoding in path %q", h.Path)}
	}
	q := &Request{
		batch:   h.Query.Get("batch") == "1",
		stream:  isStream(h),
		HasBody: h.Method != "GET",
		input:   h.Query.Get("input"),
	}
	paths := []string{path}
	if q.batch {
		if n := strings.Count(path, ",") + 1; n > r.MaxItems {
			return nil, &Error{Code: BadRequest, Message: fmt.Sprintf("Batch call exceeds maximum size: %d calls, at most %d", n, r.MaxItems)}
		}
		paths = strings.Split(path, ",")
	}
	var kind Kind
	for _, path := range paths {
		call := r.call(path, h.Method)
		if kind != 0 && call.Kind != 0 && call.Kind != kind {
			return nil, &Error{Code: BadRequest, Message: fmt.Sprintf("Cannot mix procedure types in call: %s, %s", kind, call.Kind)}
		}
		kind = max(kind, call.Kind)
		if call.Err != nil && call.Err.Code == MethodNotSupported {
			q.Allow = allow(call.Kind)
		}
		q.Calls = append(q.Calls, call)
	}
	if q.stream && !q.batch {
		return nil, &Error{Code: BadRequest, Message: "Streaming requests must be batched (you can do a batch of 1)"}
	}
	return q, nil
}

func (r Router) call(path, method string) Call {
	call := Call{Path: path, Kind: r.Procedures[path]}
	switch {
	case call.Kind == 0:
		call.Err = &Error{Code: NotFound, Message: fmt.Sprintf("No procedure found on path \"%s\"", path)}
	case method == "POST", method == "GET" && call.Kind == Query:
	default:
		call.Err = &Error{Code: MethodNotSupported, Message: fmt.Sprintf("Unsupported %s-request to %s procedure at path \"%s\"", method, call.Kind, path)}
	}
	return call
}

func allow(k Kind) string {
	if k == Mutation {
		return "POST"
	}
	return "GET, POST"
}

func isStream(h Head) bool {
	if h.TRPCAccept != "" {
		return h.TRPCAccept == jsonLines
	}
	for accept := range strings.SplitSeq(h.Accept, ",") {
		if strings.TrimSpace(accept) == jsonLines {
			return true
		}
	}
	return false
}

func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func isJSON(contentType string) bool { return mediaType(contentType) == "application/json" }

// isForeign knows the types to which tRPC gives a meaning of their own. Not even a GET
// may have them.
func isForeign(contentType string) bool {
	t := mediaType(contentType)
	return t == "multipart/form-data" || t == "application/octet-stream"
}

// ReadInput gives each call its input: from the body, or from the URL of a GET. The
// inputs are views of the body. If the inputs cannot be separated, the calls fail.
func (q *Request) ReadInput(body []byte) {
	if !q.HasBody {
		body = []byte(q.input)
	}
	if len(body) == 0 {
		return
	}
	if !q.batch {
		q.Calls[0].Input = body
		return
	}
	if err := q.split(body); err != nil {
		q.Fail(err)
	}
}

// Fail fails every call that has not failed yet.
func (q *Request) Fail(err *Error) {
	for i := range q.Calls {
		if q.Calls[i].Err == nil {
			q.Calls[i].Err = err
		}
	}
}

// split finds the inputs in a batch's object, {"0":…,"1":…}. An error within an input
// fails only its own call, later.
func (q *Request) split(body []byte) *Error {
	s := ijson.NewScanner(body, 1).MendHalves()
	if s.Kind() != ijson.Object {
		if s.Pass(); s.End() == nil {
			return &Error{Code: BadRequest, Message: `"input" needs to be an object when doing a batch call`}
		}
		return &Error{Code: BadRequest, Message: s.Err().Error()}
	}
	s.Enter(ijson.Object)
	for {
		name, ok := s.Member()
		if !ok {
			break
		}
		input := s.Pass()
		name = ijson.Unquote(nil, name)
		i, err := strconv.Atoi(string(name))
		if err != nil || i < 0 || i >= len(q.Calls) || strconv.Itoa(i) != string(name) || s.Err() != nil {
			continue
		}
		if q.Calls[i].Input != nil {
			return &Error{Code: BadRequest, Message: fmt.Sprintf("The input %q is given twice", name)}
		}
		q.Calls[i].Input = input
	}
	if err := s.End(); err != nil {
		return &Error{Code: BadRequest, Message: err.Error()}
	}
	return nil
}
