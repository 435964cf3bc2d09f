package projects

import (
	"errors"

	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
	"tidemark/worker/api/door"
)

// A problem is the body of every error below root. RFC 9457, 3.
type problem struct {
	Type   string               `json:"type"`
	Title  string               `json:"title"`
	Status int                  `json:"status"`
	Detail string               `json:"detail"`
	Code   string               `json:"code"`
	Errors []project.FieldError `json:"errors,omitempty"`

	// Headers of the request, by which it is found in the server's log.
	RequestID   string `json:"request_id,omitempty"`
	Traceparent string `json:"traceparent,omitempty"`

	// Of a sync_conflict.
	ID             string                          `json:"id,omitempty"`
	ConflictFields []string                        `json:"conflict_fields,omitempty"`
	ServerValue    map[string]jsonvalue.RawMessage `json:"server_value,omitempty"`
	ClientValue    map[string]any                  `json:"client_value,omitempty"`
	ServerVersion  project.Version                 `json:"server_version,omitempty"`
}

// A problemKind is what a code means.
type problemKind struct {
	code   project.Code
	status int
	title  string
	detail string
}

// problemKinds are all codes. The first are the kinds of failures of package door.
var problemKinds = []problemKind{
	{"invalid_input", 400, "The input breaks rules", "See errors: sending it again cannot succeed."},
	{"bad_request", 400, "The request ends too early", ""},
	{"unauthorized", 401, "No valid token", "Send the header Authorization: Bearer TOKEN."},
	{"forbidden", 403, "The token's scope is too small", ""},
	{"method_not_supported", 405, "The path does not take this method", ""},
	{"timeout", 408, "The request took too long", ""},
	{"payload_too_large", 413, "The body is too large", ""},
	{"unsupported_media_type", 415, "The server does not read this body", ""},
	{"upgrade_required", 426, "This is a WebSocket", ""},
	{"too_many_requests", 429, "Too many requests", "Ask again after the seconds of Retry-After."},
	{"internal_server_error", 500, "Internal error", "It is the server's fault, and was logged."},
	{"service_unavailable", 503, "The server cannot serve this now", ""},
	{"insufficient_storage", 507, "There is no space to store this", ""},

	{project.SinceAhead, 400, "since is beyond the project's mark", "The server was restored to an earlier time: delete the copy and pull everything with since=0."},
	{project.BadCursor, 400, "The cursor is beyond the project's mark", "Pull again without a cursor."},
	{project.BadReference, 400, "A field names a row that does not exist", "It must be the id of a live row of this project."},
	{project.VersionAhead, 400, "The row never had the base version", "Get the row again."},
	{project.NotRemoved, 400, "The caller is a member", "Only a member who was removed may pull with final."},
	{project.Revoked, 403, "The caller's membership was revoked", "Pull once more with final=1, delete the copy, and stop."},
	{project.RoleTooLow, 403, "The caller's role does not allow this", "See the table of roles."},
	{project.NotFound, 404, "There is nothing here", "No such path or row, or no project that the caller may know of."},
	{project.SyncConflict, 409, "The row has changed in the same fields", "Pull, decide, and send the change again on the row's server_version."},
	{project.IDTaken, 409, "The id is taken", "A row of another project has it."},
	{project.IDDeleted, 409, "The row was deleted", "A deleted row stays deleted: use another id."},
	{project.ParentCycle, 409, "The task cannot have this parent", "It would be its own ancestor, or have more than 100."},
	{project.LinkCycle, 409, "The dependency would close a cycle", "Its successor comes before its predecessor already."},
	{project.LinkTwice, 409, "There is a dependency of this pair", "Change the dependency that is there."},
	{project.MemberTwice, 409, "The user is a member already", "Change the membership that is there."},
	{project.LastOwner, 409, "A project keeps at least one Owner", "Make somebody else an Owner first."},
}

func kindOf(code project.Code) problemKind {
	for _, k := range problemKinds {
		if k.code == code {
			return k
		}
	}
	return kindOf("internal_server_error")
}

func newProblem(code project.Code) problem {
	k := kindOf(code)
	return problem{Type: root + "docs#" + string(k.code), Title: k.title, Status: k.status, Detail: k.detail, Code: string(k.code)}
}

// refuse writes an error as a problem, or closes the WebSocket that the client asks
// for.
func refuse(c *door.Call, err error) {
	p := problemOf(c, err)
	if door.IsUpgrade(c.R) && c.RefuseSocket(p.Status, p.Title, nil) == nil {
		return
	}
	p.RequestID, p.Traceparent = c.R.Header.Get(abi.RequestIDHeader), c.R.Header.Get(abi.TraceparentHeader)
	body, err := jsonvalue.Marshal(p)
	if err != nil {
		c.Logger().Error("a problem cannot be encoded", "code", p.Code, "error", err)
	}
	w := c.W
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	w.Write(body)
}

func problemOf(c *door.Call, err error) problem {
	var input *project.InputError
	var refusal *project.Refusal
	var conflict *conflictError
	switch {
	case errors.As(err, &input):
		p := newProblem("invalid_input")
		p.Errors = input.Errors[:min(len(input.Errors), delta.MaxErrors)]
		return p
	case errors.As(err, &conflict):
		p := newProblem(project.SyncConflict)
		p.ID, p.ConflictFields, p.ServerVersion = conflict.row.ID, conflict.refusal.Fields, conflict.refusal.Version
		p.ServerValue, p.ClientValue = conflict.values()
		if conflict.refusal.List != "" {
			p.Errors = []project.FieldError{{Field: conflict.refusal.Field, Message: p.Title}}
		}
		return p
	case errors.As(err, &refusal):
		p := newProblem(refusal.Code)
		if refusal.Field != "" {
			p.Errors = []project.FieldError{{Field: refusal.Field, Message: p.Title}}
		}
		return p
	}
	f := c.Explain(err)
	p := newProblem(project.Code(f.Kind.Name()))
	p.Detail = f.Message
	return p
}

// A conflictError is a refusal for SyncConflict and what the client sent.
type conflictError struct {
	refusal *project.Refusal
	row     project.Row
}

func (e *conflictError) Error() string { return e.refusal.Error() }
func (e *conflictError) Unwrap() error { return e.refusal }

func withClientValue(err error, row project.Row) error {
	var refusal *project.Refusal
	if errors.As(err, &refusal) && refusal.Code == project.SyncConflict {
		return &conflictError{refusal, row}
	}
	return err
}

// values are the fields in conflict, as the row has them and as the client
// wants them.
func (e *conflictError) values() (server map[string]jsonvalue.RawMessage, client map[string]any) {
	var row map[string]jsonvalue.RawMessage
	jsonvalue.Unmarshal(e.refusal.Row, &row) // SQLite made it
	server, client = map[string]jsonvalue.RawMessage{}, map[string]any{}
	for _, name := range e.refusal.Fields {
		server[name] = row[name]
		client[name], _ = e.row.Value(name)
	}
	return server, client
}
