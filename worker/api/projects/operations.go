package projects

import (
	"slices"

	"tidemark/shared/delta"
	"tidemark/shared/project"
)

// An operation is one route of projects. Its handler, its part of the OpenAPI
// document and its part of the documentation's page are made of it.
type operation struct {
	method, path string // the path below root
	id           string // OpenAPI's operationId
	summary      string
	collection   project.Name
	// action is the least that the request does; the caller's role has to allow
	// it. open says that no token is needed.
	action     project.Action
	open       bool
	operator   bool // it needs no role, but sync:admin too
	parameters []parameter
	body       string // the schema of the body, "" for none
	bodyBytes  int64
	responses  []response
	refusals   []project.Code // besides those that any request can have
	serve      func(*call) error
}

// A response is one that an operation has if it succeeds.
type response struct {
	status  int
	schema  string // "" for no body
	says    string
	headers []responseHeader
}

// uploadOperation is limited by project, too: see countUpload.
const uploadOperation = "upload"

// subscribeOperation opens a WebSocket.
const subscribeOperation = "subscribe"

// maxRestBytes is more than the longest valid row.
const maxRestBytes = 256 << 10

func newOperations() []operation {
	const p = "projects/{project_id}/"
	all := []operation{
		{method: "GET", path: "openapi.json", id: "getOpenAPI", summary: "This interface as OpenAPI 3.1", open: true, serve: (*call).openAPI},
		{method: "GET", path: "docs", id: "getDocs", summary: "This interface as a page", open: true, serve: (*call).docs},
		{method: "GET", path: "projects/", id: "listProjects", summary: "The projects that the caller is a member of",
			collection: project.Projects, parameters: listParameters,
			responses: []response{{200, "ProjectPage", "a page, by id", nil}}, serve: (*call).listMine},
		{method: "POST", path: "projects/", id: "createProject", summary: "Create a project; the caller becomes its Owner",
			collection: project.Projects, body: "ProjectCreate", bodyBytes: maxRestBytes,
			responses: createdResponses("Project"), refusals: []project.Code{project.IDTaken, project.IDDeleted, project.BadReference},
			serve: (*call).createProject},
	}
	for i := range project.Collections {
		c := &project.Collections[i]
		schema := schemaName(c)
		one, of := p, "the project"
		if c.Name != project.Projects {
			list := p + string(c.Name) + "/"
			one, of = list+"{id}/", "a "+c.Title
			all = append(all,
				operation{method: "GET", path: list, id: "list" + schemaNames(c), summary: "The " + string(c.Name) + " of a project",
					collection: c.Name, action: project.Read, parameters: listParameters,
					responses: []response{{200, schema + "Page", "a page, by id", nil}}, serve: (*call).list},
				operation{method: "POST", path: list, id: "create" + schema, summary: "Create a " + c.Title,
					collection: c.Name, action: c.Name.Creates(), body: schema + "Create", bodyBytes: maxRestBytes,
					responses: createdResponses(schema), refusals: creationRefusals(c), serve: (*call).create})
		}
		all = append(all,
			operation{method: "GET", path: one, id: "get" + schema, summary: "Get " + of,
				collection: c.Name, action: project.Read, responses: []response{{200, schema, "the row", rowHeaders}},
				serve: (*call).get},
			operation{method: "PATCH", path: one, id: "update" + schema, summary: "Change fields of " + of,
				collection: c.Name, action: c.Name.Edits(), parameters: baseParameters, body: schema + "Patch", bodyBytes: maxRestBytes,
				responses: []response{{200, schema, "the row as it is now; " + mergedHeader + " names the fields that others changed since the base version", rowHeaders}},
				refusals:  changeRefusals(c), serve: (*call).patch},
			operation{method: "DELETE", path: one, id: "delete" + schema, summary: "Delete " + of + " and the rows that depend on it",
				collection: c.Name, action: c.Name.Deletes(), responses: []response{{204, "", "it is deleted", nil}},
				refusals: deletionRefusals(c), serve: (*call).delete})
	}
	return append(append(all, operatorOperations()...),
		operation{method: "GET", path: p + "sync/", id: "pull", summary: "What changed since a mark, in pages",
			action: project.Read, parameters: pullParameters, responses: []response{{200, "PullAnswer", "a page of changes", nil}},
			refusals: []project.Code{project.SinceAhead, project.BadCursor, project.NotRemoved}, serve: (*call).pull},
		operation{method: "POST", path: p + "sync/", id: uploadOperation, summary: "Upload changes of tasks, all or nothing",
			action: project.CreateTasks, body: "Upload", bodyBytes: delta.MaxUploadBytes,
			responses: []response{{200, "Uploaded", "the result; a retry with the same client_batch_id gets the same response", nil}},
			refusals:  []project.Code{project.IDTaken, project.BadReference, project.ParentCycle, project.VersionAhead, project.SyncConflict},
			serve:     (*call).upload},
		operation{method: "GET", path: p + "subscribe", id: subscribeOperation, summary: "A WebSocket that tells which collections change",
			action: project.Read, responses: []response{{101, "", `texts like {"type":"change","table":"tasks","timestamp":42}`, nil}},
			serve: (*call).subscribe},
	)
}

func createdResponses(schema string) []response {
	return []response{{201, schema, "the row", createdHeaders}, {200, schema, "the row was there before: the creation was repeated", createdHeaders}}
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
