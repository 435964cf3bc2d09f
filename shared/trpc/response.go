package trpc

import (
	"strconv"
	"strings"

	"tidemark/shared/ijson"
)

// A Result is what a call returned: its data or an error.
type Result struct {
	Data ijson.Pieces // nil is undefined
	Err  *Error
}

// A Response is an HTTP status and a body.
type Response struct {
	Status int
	Body   ijson.Pieces
}

// The headers of every response.
const (
	ContentType = "application/json"
	Vary        = "trpc-accept, accept"
)

// ErrorResponse returns the response for an error of the request as a whole. It names
// no path.
func ErrorResponse(err *Error) Response {
	return Response{err.Code.Status, ijson.Whole(AppendError(nil, err, ""))}
}

// Refuse returns the response for a request none of whose calls has run. Its status is
// the error's, whatever errors the calls have. For the stream link the body is one
// object: that link reads lines only if the status is 200.
func (q *Request) Refuse(err *Error) Response {
	if q.stream {
		return ErrorResponse(err)
	}
	results := make([]Result, len(q.Calls))
	for i := range results {
		results[i].Err = err
	}
	return q.response(results)
}

// Respond returns the response with one result for each call, in order. The result of a
// call that failed before is its error.
func (q *Request) Respond(results []Result) Response {
	for i, call := range q.Calls {
		if call.Err != nil {
			results[i] = Result{Err: call.Err}
		}
	}
	return q.response(results)
}

func (q *Request) response(results []Result) Response {
	a := Response{Status: status(results), Body: func(yield func([]byte) bool) { q.write(results, yield) }}
	if q.stream {
		a.Status = 200
	}
	return a
}

// write yields the body of the response until yield returns false.
func (q *Request) write(results []Result, yield func([]byte) bool) {
	var b []byte
	for i, result := range results {
		switch {
		case q.stream && i == 0:
			b = append(b, `{"0":[[`...)
		case q.stream:
			b = append(strconv.AppendInt(append(b, `,"`...), int64(i), 10), `":[[`...)
		case q.batch && i == 0:
			b = append(b, '[')
		case q.batch:
			b = append(b, ',')
		}
		switch {
		case result.Err != nil:
			b = AppendError(b, result.Err, q.Calls[i].Path)
		case result.Data == nil:
			b = append(b, `{"result":{}}`...)
		default:
			if !yield(append(b, `{"result":{"data":`...)) {
				return
			}
			for piece := range result.Data {
				if !yield(piece) {
					return
				}
			}
			b = append(b[:0], `}}`...)
		}
		if q.stream {
			b = append(b, `]]`...)
		}
	}
	if q.stream {
		b = append(b, "}\n"...)
	} else if q.batch {
		b = append(b, ']')
	}
	yield(b)
}

// status returns the one that all results have in common, or 207.
func status(results []Result) int {
	common := 0
	for _, r := range results {
		s := 200
		if r.Err != nil {
			s = r.Err.Code.Status
		}
		if common != 0 && common != s {
			return 207
		}
		common = s
	}
	return common
}

// AppendError appends {"error":{"message":…,"code":n,"data":{"code":"NAME","httpStatus":n,…,"path":"…"}}},
// without path if it is "". There is never a stack.
func AppendError(b []byte, err *Error, path string) []byte {
	b = ijson.AppendString(append(b, `{"error":{"message":`...), strings.ToValidUTF8(err.Text(), "\uFFFD"))
	b = strconv.AppendInt(append(b, `,"code":`...), int64(err.Code.Number), 10)
	b = ijson.AppendString(append(b, `,"data":{"code":`...), err.Code.Name)
	b = strconv.AppendInt(append(b, `,"httpStatus":`...), int64(err.Code.Status), 10)
	if len(err.Data) > 0 {
		b = append(append(b, ','), err.Data...)
	}
	if path != "" {
		b = ijson.AppendString(append(b, `,"path":`...), path)
	}
	return append(b, `}}}`...)
}
