package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/worker/store"
	"tidemark/worker/store/projects"
)

// Projects keeps projects; *projects.Store does. Errors are *project.Refusal
// or internal.
type Projects interface {
	Role(ctx context.Context, key projects.Key) (project.Role, project.Seq, error)
	CreateProject(ctx context.Context, caller string, row project.Row, membershipID string) (projects.Written, error)
	Create(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error)
	Patch(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error)
	Delete(ctx context.Context, key projects.Key, name project.Name, id string) (projects.Written, error)
	Get(ctx context.Context, key projects.Key, name project.Name, id string) (json.RawMessage, project.Version, error)
	List(ctx context.Context, key projects.Key, name project.Name, after string, limit int, b store.Budget) ([]byte, error)
	Mine(ctx context.Context, caller, after string, limit int, b store.Budget) ([]byte, error)
	Pull(ctx context.Context, caller string, in delta.Pull, b store.Budget) ([]byte, error)
	Upload(ctx context.Context, now time.Time, key projects.Key, in *delta.Upload) (projects.Uploaded, error)
}

// The permissions that the scope of a token, if it has one, must have.
const (
	ProjectsRead  auth.Permission = "projects:read"
	ProjectsWrite auth.Permission = "projects:write"
)

const projectsRoot = "/api/v1/"

// uploadOperation is counted by project, too: see spendUpload.
const uploadOperation = "upload"

// A projectRoute is one operation below projectsRoot. The handlers, the
// OpenAPI document and the documentation's page are made of these.
type projectRoute struct {
	method, path string // a segment like {id} takes any text
	operation    string
	summary      string
	collection   project.Name
	// action is the least that the request is; the caller's role has to allow
	// it. open says that nobody has to be known.
	action     project.Action
	open       bool
	parameters []parameter
	body       string // the schema of the body, "" for none
	bodyBytes  int64
	answers    []projectAnswer
	refusals   []project.Code // beside those that any request can have
	serve      func(*projectCall) error
}

type projectAnswer struct {
	status  int
	schema  string // "" for no body
	says    string
	headers []answerHeader
}

// A projectCall is one request below projectsRoot.
type projectCall struct {
	*server
	w     http.ResponseWriter
	r     *http.Request
	route *projectRoute
	id    auth.Identity
	key   projects.Key
	row   string // the last {id}
	body  []byte
	// charged says that the call was counted among the uploads.
	charged bool
}

// projects answers everything below projectsRoot.
func (s *server) projects(w http.ResponseWriter, r *http.Request) {
	if err := s.project(w, r); err != nil {
		p := s.problemOf(w, r, err)
		if !isUpgrade(r) || s.refuseSocket(w, r, p.Status, p.Title) != nil {
			s.writeProblem(w, p)
		}
	}
}

func (s *server) project(w http.ResponseWriter, r *http.Request) error {
	c := &projectCall{server: s, w: w, r: r}
	allowed := c.find()
	if c.route != nil && c.route.open {
		return c.route.serve(c)
	}
	if err := c.admit(); err != nil {
		return err
	}
	switch {
	case len(allowed) == 0:
		return &project.Refusal{Code: project.NotFound}
	case c.route == nil:
		return wrongMethod(strings.Join(allowed, ", "))
	}
	permission := ProjectsRead
	if r.Method != http.MethodGet {
		permission = ProjectsWrite
	}
	if err := permit(c.id, permission); err != nil {
		return err
	}
	if c.route.operation == uploadOperation {
		if err := c.spendUpload(); err != nil {
			return err
		}
	}
	if c.route.body != "" {
		var err error
		if c.body, err = s.readJSON(r, c.route.bodyBytes); err != nil {
			c.discharge()
			return err
		}
	}
	err := c.sparing(c.route.serve(c))
	if isNoProject(err) {
		c.discharge()
	}
	return err
}

// sparing is the error, but that whoever may not write there hears nothing of what
// is wrong with the body.
func (c *projectCall) sparing(err error) error {
	var input *project.InputError
	if !errors.As(err, &input) || c.route.body == "" || !c.route.needsRole() {
		return err
	}
	role, _, refusal := c.Projects.Role(c.r.Context(), c.key)
	switch {
	case refusal != nil:
		return refusal
	case role < c.route.action.Needs():
		return &project.Refusal{Code: project.RoleTooLow}
	}
	return err
}

// admit finds out who asks. Memberships need a name.
func (c *projectCall) admit() (err error) {
	if c.id, err = c.identify(c.r); err != nil {
		return err
	}
	user := project.Find(project.Memberships).Field("user_id")
	name, _ := json.Marshal(c.id.Subject)
	if _, problem := user.Decode(name); problem != "" {
		return unauthorized(`Bearer error="invalid_token"`, "The token's subject "+problem)
	}
	c.key.Caller = c.id.Subject
	return c.spend(c.id, 1)
}

// find fills in the route and what its path says. It answers the methods that
// the path takes, none if there is no such path.
func (c *projectCall) find() (allowed []string) {
	path, ok := strings.CutPrefix(c.r.URL.EscapedPath(), projectsRoot)
	if !ok {
		return nil
	}
	segments := strings.Split(path, "/")
	for i := range c.routes {
		route := &c.routes[i]
		values, ok := match(route.path, segments)
		if !ok {
			continue
		}
		allowed = append(allowed, route.method)
		if route.method != c.r.Method {
			continue
		}
		c.route = route
		if len(values) > 0 {
			c.key.Project, c.row = values[0], values[len(values)-1]
		}
	}
	return allowed
}

// match holds a path's segments against a route's, and answers what the ones
// in braces are.
func match(path string, segments []string) (values []string, ok bool) {
	wanted := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(wanted) != len(segments) {
		return nil, false
	}
	for i, w := range wanted {
		if !strings.HasPrefix(w, "{") {
			if w != segments[i] {
				return nil, false
			}
			continue
		}
		v, err := url.PathUnescape(segments[i])
		if err != nil || !project.ValidID(v) {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// maxRestBytes is more than the longest row that is valid.
const maxRestBytes = 256 << 10

func newProjectRoutes() []projectRoute {
	const p = "/projects/{project_id}/"
	routes := []projectRoute{
		{method: "GET", path: "/openapi.json", operation: "getOpenAPI", summary: "This interface as OpenAPI 3.1", open: true, serve: (*projectCall).openAPI},
		{method: "GET", path: "/docs", operation: "getDocs", summary: "This interface as a page", open: true, serve: (*projectCall).docs},
		{method: "GET", path: "/projects/", operation: "listProjects", summary: "The projects that the caller is a member of",
			collection: project.Projects, parameters: listParameters,
			answers: []projectAnswer{{200, "ProjectPage", "a page, by id", nil}}, serve: (*projectCall).mine},
		{method: "POST", path: "/projects/", operation: "createProject", summary: "Create a project; the caller becomes its Owner",
			collection: project.Projects, body: "ProjectCreate", bodyBytes: maxRestBytes,
			answers: createdAnswers("Project"), refusals: []project.Code{project.IDTaken, project.IDDeleted, project.BadReference},
			serve: (*projectCall).createProject},
	}
	for i := range project.Collections {
		c := &project.Collections[i]
		schema := schemaName(c)
		one, of := p, "the project"
		if c.Name != project.Projects {
			list := p + string(c.Name) + "/"
			one, of = list+"{id}/", "a "+c.Title
			routes = append(routes,
				projectRoute{method: "GET", path: list, operation: "list" + schemaNames(c), summary: "The " + string(c.Name) + " of a project",
					collection: c.Name, action: project.Read, parameters: listParameters,
					answers: []projectAnswer{{200, schema + "Page", "a page, by id", nil}}, serve: (*projectCall).list},
				projectRoute{method: "POST", path: list, operation: "create" + schema, summary: "Create a " + c.Title,
					collection: c.Name, action: c.Name.Creates(), body: schema + "Create", bodyBytes: maxRestBytes,
					answers: createdAnswers(schema), refusals: creationRefusals(c), serve: (*projectCall).create})
		}
		routes = append(routes,
			projectRoute{method: "GET", path: one, operation: "get" + schema, summary: "Get " + of,
				collection: c.Name, action: project.Read, answers: []projectAnswer{{200, schema, "the row", rowHeaders}},
				serve: (*projectCall).get},
			projectRoute{method: "PATCH", path: one, operation: "update" + schema, summary: "Change fields of " + of,
				collection: c.Name, action: c.Name.Edits(), parameters: baseParameters, body: schema + "Patch", bodyBytes: maxRestBytes,
				answers:  []projectAnswer{{200, schema, "the row as it is now; " + mergedHeader + " names the fields that others changed since the base version", rowHeaders}},
				refusals: changeRefusals(c), serve: (*projectCall).patch},
			projectRoute{method: "DELETE", path: one, operation: "delete" + schema, summary: "Delete " + of + " and what cannot be without it",
				collection: c.Name, action: c.Name.Deletes(), answers: []projectAnswer{{204, "", "it is deleted", nil}},
				refusals: deletionRefusals(c), serve: (*projectCall).remove})
	}
	return append(routes,
		projectRoute{method: "GET", path: p + "sync/", operation: "pull", summary: "What changed since a mark, in pages",
			action: project.Read, parameters: pullParameters, answers: []projectAnswer{{200, "PullAnswer", "a page of changes", nil}},
			refusals: []project.Code{project.SinceAhead, project.BadCursor, project.NotRemoved}, serve: (*projectCall).pull},
		projectRoute{method: "POST", path: p + "sync/", operation: uploadOperation, summary: "Upload changes of tasks, all or nothing",
			action: project.CreateTasks, body: "Upload", bodyBytes: delta.MaxUploadBytes,
			answers:  []projectAnswer{{200, "Uploaded", "what was done; a retry with the same client_batch_id is answered the same", nil}},
			refusals: []project.Code{project.IDTaken, project.BadReference, project.ParentCycle, project.VersionAhead, project.SyncConflict},
			serve:    (*projectCall).upload},
		projectRoute{method: "GET", path: p + "subscribe", operation: "subscribe", summary: "A WebSocket that tells which collections change",
			action: project.Read, answers: []projectAnswer{{101, "", `texts like {"type":"change","table":"tasks","timestamp":42}`, nil}},
			serve: (*projectCall).subscribe},
	)
}

func createdAnswers(schema string) []projectAnswer {
	return []projectAnswer{{201, schema, "the row", createdHeaders}, {200, schema, "the row was there before: the creation was repeated", createdHeaders}}
}

func hasReference(c *project.Collection) bool {
	return slices.ContainsFunc(c.Fields, func(f project.Field) bool { return f.Kind == project.Ref })
}

func creationRefusals(c *project.Collection) []project.Code {
	codes := []project.Code{project.IDTaken, project.IDDeleted}
	if hasReference(c) {
		codes = append(codes, project.BadReference)
	}
	switch c.Name {
	case project.Tasks:
		codes = append(codes, project.ParentCycle)
	case project.Dependencies:
		codes = append(codes, project.LinkCycle, project.LinkTwice)
	case project.Memberships:
		codes = append(codes, project.MemberTwice)
	}
	return codes
}

func changeRefusals(c *project.Collection) []project.Code {
	codes := []project.Code{project.VersionAhead, project.SyncConflict}
	switch c.Name {
	case project.Projects:
		codes = append(codes, project.BadReference)
	case project.Tasks:
		codes = append(codes, project.BadReference, project.ParentCycle)
	case project.Memberships:
		codes = append(codes, project.LastOwner)
	}
	return codes
}

func deletionRefusals(c *project.Collection) []project.Code {
	if c.Name == project.Memberships {
		return []project.Code{project.LastOwner}
	}
	return nil
}
