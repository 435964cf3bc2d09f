package trpc

// A Code is the reason of an error: its name, its JSON-RPC number and its HTTP
// status. tRPC docs, Error Handling; the numbers are those of @trpc/server 11.
type Code struct {
	Name   string
	Number int
	Status int
}

// The codes that a client knows.
var (
	ParseError           = Code{"PARSE_ERROR", -32700, 400}
	BadRequest           = Code{"BAD_REQUEST", -32600, 400}
	InternalServerError  = Code{"INTERNAL_SERVER_ERROR", -32603, 500}
	NotImplemented       = Code{"NOT_IMPLEMENTED", -32603, 501}
	ServiceUnavailable   = Code{"SERVICE_UNAVAILABLE", -32603, 503}
	InsufficientStorage  = Code{"SERVICE_UNAVAILABLE", -32603, 507} // tRPC has no name of its own for 507
	Unauthorized         = Code{"UNAUTHORIZED", -32001, 401}
	Forbidden            = Code{"FORBIDDEN", -32003, 403}
	NotFound             = Code{"NOT_FOUND", -32004, 404}
	MethodNotSupported   = Code{"METHOD_NOT_SUPPORTED", -32005, 405}
	Timeout              = Code{"TIMEOUT", -32008, 408}
	Conflict             = Code{"CONFLICT", -32009, 409}
	PreconditionFailed   = Code{"PRECONDITION_FAILED", -32012, 412}
	PayloadTooLarge      = Code{"PAYLOAD_TOO_LARGE", -32013, 413}
	UnsupportedMediaType = Code{"UNSUPPORTED_MEDIA_TYPE", -32015, 415}
	UnprocessableContent = Code{"UNPROCESSABLE_CONTENT", -32022, 422}
	TooManyRequests      = Code{"TOO_MANY_REQUESTS", -32029, 429}
	ClientClosedRequest  = Code{"CLIENT_CLOSED_REQUEST", -32099, 499}
)

// An Error is a call that failed. Data is what the error's data object says
// beyond code, httpStatus and path: JSON members without braces, such as
// `"table":"customers","id":"c1"`, or nothing.
type Error struct {
	Code    Code
	Message string // "" is the code's name
	Data    []byte
}

func (e *Error) Error() string { return e.Code.Name + ": " + e.Text() }

// Text is the message, or the name of the code.
func (e *Error) Text() string {
	if e.Message == "" {
		return e.Code.Name
	}
	return e.Message
}
