package projects

import (
	"context"
	"errors"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/delta"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/store/projects"
)

// Store keeps the projects; *projects.Store does. Errors are *project.Refusal
// or internal.
type Store interface {
	Role(ctx context.Context, key projects.Key) (project.Role, project.Seq, error)
	CreateProject(ctx context.Context, caller string, row project.Row, membershipID string) (projects.Written, error)
	Create(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error)
	Patch(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error)
	Delete(ctx context.Context, key projects.Key, name project.Name, id string) (projects.Written, error)
	Get(ctx context.Context, key projects.Key, name project.Name, id string) (jsonvalue.RawMessage, project.Version, error)
	List(ctx context.Context, key projects.Key, name project.Name, after string, limit int, b store.Budget) ([]byte, error)
	OfMember(ctx context.Context, caller, after string, limit int, b store.Budget) ([]byte, error)
	Pull(ctx context.Context, caller string, in delta.Pull, b store.Budget) ([]byte, error)
	All(ctx context.Context, after string, limit int, deleted bool, b store.Budget) ([]byte, error)
	PullAny(ctx context.Context, in delta.Pull, b store.Budget) ([]byte, error)
	Upload(ctx context.Context, now time.Time, key projects.Key, in *delta.Upload) (projects.Uploaded, error)
}

// root is where the paths of the routes begin.
const root = "/api/v1/"

// operations are those of the root and of spaces. Nobody changes them.
var operations = newOperations()

// handler serves the operations.
type handler struct {
	of         func(*door.Call) Store
	operations []operation
}

// Section is the routes of projects. of returns where a call's projects are. Without
// open, the routes that need no token are left out.
func Section(of func(*door.Call) Store, open bool) *door.Section {
	h := &handler{of: of, operations: operations}
	s := &door.Section{
		Roots: []string{root}, ValidParameter: project.ValidID, Admit: admit,
		Missing: &project.Refusal{Code: project.NotFound}, Refuse: refuse,
		Headers: "x-base-version, if-match, if-none-match",
	}
	for i := range h.operations {
		if h.operations[i].open && !open {
			continue
		}
		s.Routes = append(s.Routes, h.route(&h.operations[i]))
	}
	return s
}

// route is the row of the route table for an operation.
func (h *handler) route(o *operation) door.Route {
	r := door.Route{
		Name: "projects." + o.id, Method: o.method, Pattern: root + o.path, Open: o.open,
		Socket: o.id == subscribeOperation, Permission: auth.ProjectsRead, Serve: func(c *door.Call) error { return h.serve(c, o) },
	}
	switch {
	case o.operator:
		r.Permission, r.Also = auth.SyncAdmin, auth.ProjectsRead
	case o.method != web.MethodGet:
		r.Permission = auth.ProjectsWrite
	}
	return r
}

// A call is one request for an operation.
type call struct {
	*door.Call
	*handler
	store     Store
	operation *operation
	key       projects.Key
	row       string // the last parameter of the path
	body      []byte
	counted   bool // among the uploads
}

// admit finds out who the caller is. Memberships need a subject, and an operator needs no membership.
func admit(c *door.Call) (err error) {
	if c.Route != nil && c.Route.Permission == auth.SyncAdmin {
		return c.Admit()
	}
	if err = c.Identify(); err != nil {
		return err
	}
	user := project.Find(project.Memberships).Field("user_id")
	name, _ := jsonvalue.Marshal(c.ID.Subject)
	if _, problem := user.Decode(name); problem != "" {
		return door.InvalidToken("The token's subject " + problem)
	}
	return c.Spend(1)
}

// serve runs an operation, after it has read the body.
func (h *handler) serve(request *door.Call, o *operation) error {
	c := &call{Call: request, handler: h, store: h.of(request), operation: o, key: projects.Key{Caller: request.ID.Subject}}
	if o.open {
		return o.serve(c)
	}
	c.key.Project = c.Parameter("project_id")
	if c.row = c.Parameter("id"); c.row == "" {
		c.row = c.key.Project
	}
	if o.id == uploadOperation {
		if err := c.countUpload(); err != nil {
			return err
		}
	}
	if o.body != "" {
		var err error
		if c.body, err = c.ReadJSON(o.bodyBytes); err != nil {
			c.uncountUpload()
			return err
		}
	}
	err := c.hideInputErrors(o.serve(c))
	if isNoProject(err) {
		c.uncountUpload()
	}
	return err
}

// hideInputErrors returns err. But for a caller whose role is too low it returns
// RoleTooLow, without the details of the body.
func (c *call) hideInputErrors(err error) error {
	var input *project.InputError
	if !errors.As(err, &input) || c.operation.body == "" || !c.operation.needsRole() {
		return err
	}
	role, _, refusal := c.store.Role(c.R.Context(), c.key)
	switch {
	case refusal != nil:
		return refusal
	case role < c.operation.action.Needs():
		return &project.Refusal{Code: project.RoleTooLow}
	}
	return err
}
