package abi

import (
	"strings"

	"tidemark/shared/jsonvalue"
)

// A Failure is an error that the host itself sends to a client, because the guest
// did not respond or did not get the request.
type Failure struct {
	Status  int
	Path    string // of the request; "" if it is not known
	Message string
	// RequestID and Traceparent are headers of the request; "" if they are not known.
	RequestID, Traceparent string
}

// failureCodes are tRPC's names and numbers of a status. Other statuses have those
// of a bad request.
var failureCodes = map[int]struct {
	name   string
	number int
}{
	404: {"NOT_FOUND", -32004},
	405: {"METHOD_NOT_SUPPORTED", -32005},
	408: {"TIMEOUT", -32008},
	412: {"PRECONDITION_FAILED", -32012},
	413: {"PAYLOAD_TOO_LARGE", -32013},
	500: {"INTERNAL_SERVER_ERROR", -32603},
	501: {"NOT_IMPLEMENTED", -32603},
	503: {"SERVICE_UNAVAILABLE", -32603},
	507: {"INSUFFICIENT_STORAGE", -32603},
}

// Answer returns the header and the body. The body has the shape that the guest's
// errors have at the path: tRPC's below /trpc, a problem of RFC 9457 below /api/v1/,
// and {"error":{"code","message"}} elsewhere. A path below /s/NAME has the shape of the
// path behind that. Any page may read it, because it holds
// no data of a user.
func (f Failure) Answer() (header [][2]string, body []byte) {
	code, ok := failureCodes[f.Status]
	if !ok {
		code.name, code.number = "BAD_REQUEST", -32600
	}
	contentType := "application/json"
	var shape any
	path := f.Path
	if rest, ok := strings.CutPrefix(path, "/s/"); ok { // in a space
		_, below, _ := strings.Cut(rest, "/")
		path = "/" + below
	}
	switch {
	case path == "/trpc" || strings.HasPrefix(path, "/trpc/"):
		if f.Status == 507 { // for which tRPC has no name
			code.name = "SERVICE_UNAVAILABLE"
		}
		data := map[string]any{"code": code.name, "httpStatus": f.Status}
		shape = map[string]any{"error": map[string]any{"message": f.Message, "code": code.number, "data": data}}
	case strings.HasPrefix(path, "/api/v1/"):
		contentType = "application/problem+json"
		problem := map[string]any{
			"type": "about:blank", "title": f.Message, "status": f.Status, "detail": f.Message, "code": strings.ToLower(code.name),
		}
		if f.RequestID != "" {
			problem["request_id"] = f.RequestID
		}
		if f.Traceparent != "" {
			problem["traceparent"] = f.Traceparent
		}
		shape = problem
	default:
		shape = map[string]any{"error": map[string]any{"code": code.name, "message": f.Message}}
	}
	body, _ = jsonvalue.Marshal(shape) // of texts and numbers
	return [][2]string{
		{"Content-Type", contentType}, {"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"},
		{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", "retry-after, x-request-id"},
	}, body
}
