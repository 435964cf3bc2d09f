package projects

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/delta"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
	"tidemark/shared/web"
)

// A parameter is one of a query, or a header.
type parameter struct {
	name, in string
	says     string
	schema   schema
}

type schema = map[string]any

var (
	pageSize = parameter{"page_size", "query", "rows in a page",
		schema{"type": "integer", "format": "int32", "minimum": 1, "maximum": delta.MaxPageRows, "default": delta.DefaultPageRows}}
	listParameters = []parameter{pageSize,
		{"cursor", "query", "next_cursor of the page before", idSchema}}
	pullParameters = []parameter{
		{"since", "query", "rows changed after this mark; 0 is everything. The same on every page.",
			schema{"type": "integer", "format": "int64", "minimum": 0, "maximum": int64(project.MaxSeq) - 1, "default": 0}},
		{"cursor", "query", "next_cursor of the page before", cursorSchema},
		pageSize,
		{"final", "query", "1: every id that a removed member can have, as deleted", schema{"type": "integer", "format": "int32", "const": 1, "minimum": 1, "maximum": 1}},
	}
	allParameters = append(slices.Clip(listParameters),
		parameter{"deleted", "query", "1: deleted projects, too", schema{"type": "integer", "format": "int32", "const": 1, "minimum": 1, "maximum": 1}})
	baseParameters = []parameter{
		{baseHeader, "header", "the server_version that the change was made on; without it the last write wins", versionSchema},
		{"If-Match", "header", "the same, as the row's ETag", schema{"type": "string", "maxLength": 20, "pattern": `^(\*|(W/)?"?[1-9][0-9]*"?)$`}},
	}
	rowHeaders = []responseHeader{
		{"ETag", "the server_version, for If-Match", schema{"type": "string", "maxLength": 18, "pattern": `^"?[1-9][0-9]*"?$`}},
	}
	createdHeaders = append(slices.Clip(rowHeaders),
		responseHeader{"Location", "where the row is", schema{"type": "string", "format": "uri-reference", "maxLength": 256}})
	problemHeaders = map[int]responseHeader{
		web.StatusUnauthorized:    {"WWW-Authenticate", "Bearer, and what is wrong with the token. RFC 6750, 3.", schema{"type": "string", "maxLength": 256, "pattern": "^Bearer( .*)?$"}},
		web.StatusTooManyRequests: {"Retry-After", "seconds to wait", schema{"type": "integer", "format": "int32", "minimum": 1, "maximum": 60}},
	}
)

// A responseHeader is a header that a response always has.
type responseHeader struct {
	name   string
	says   string
	schema schema
}

// schemaName is the name of a row's schema, schemaNames of several.
func schemaName(c *project.Collection) string {
	return strings.ToUpper(c.Title[:1]) + c.Title[1:]
}

func schemaNames(c *project.Collection) string {
	return strings.ToUpper(string(c.Name[:1])) + string(c.Name[1:])
}

func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }

func arrayOf(items schema, most int) schema {
	return schema{"type": "array", "items": items, "maxItems": most}
}

// object is a closed object, of which every member is required that is not
// among the optional.
func object(members schema, optional ...string) schema {
	required := []string{}
	for name := range members {
		if !slices.Contains(optional, name) {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return schema{"type": "object", "properties": members, "required": required, "additionalProperties": false}
}

var (
	dateSchema    = schema{"type": "string", "format": "date", "maxLength": 10}
	idSchema      = schema{"type": "string", "maxLength": 64, "pattern": idPattern}
	versionSchema = schema{"type": "integer", "format": "int64", "minimum": 1, "maximum": int64(project.MaxSeq) - 1}
	seqSchema     = schema{"type": "integer", "format": "int64", "minimum": 0, "maximum": int64(project.MaxSeq) - 1}
	cursorSchema  = schema{"type": "string", "maxLength": delta.MaxCursorBytes, "pattern": `^[A-Za-z0-9_-]+$`}
	traceSchema   = schema{"type": "string", "maxLength": 128}
	uuidSchema    = schema{"type": "string", "format": "uuid", "maxLength": 36}
)

const (
	mostFields  = 32 // more than a row has
	idPattern   = `^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`
	textPattern = `^[^\x00]*$`
)

// orNull is the schema with null as another value.
func orNull(s schema) schema {
	s = maps.Clone(s)
	s["type"] = []string{s["type"].(string), "null"}
	return s
}

// fieldSchema is what a field takes. In a pull an array is JSON text, as a
// WatermelonDB column holds it.
func fieldSchema(f *project.Field, pull bool) schema {
	s := schema{"type": "string"}
	switch f.Kind {
	case project.Text:
		s["maxLength"], s["pattern"] = f.Max, textPattern
		if f.Min > 0 {
			s["minLength"] = f.Min
		}
	case project.Date:
		s = dateSchema
	case project.Integer:
		s = schema{"type": "integer", "format": "int32", "minimum": f.Min, "maximum": f.Max}
	case project.Number:
		s = schema{"type": "number", "minimum": f.Min, "maximum": f.Max}
	case project.Boolean:
		s = schema{"type": "boolean"}
	case project.Choice:
		s["enum"] = f.Choices
	case project.Ref:
		s["description"], s["maxLength"], s["pattern"] = "the id of a live row of "+string(f.To), 64, idPattern
		if f.To == project.Memberships {
			s["description"], s["minLength"], s["maxLength"], s["pattern"] = "the user_id of a member", 1, project.MaxUserChars, textPattern
		}
	case project.Days:
		s = arrayOf(schema{"type": "integer", "format": "int32", "minimum": 1, "maximum": 7}, 7)
		s["uniqueItems"] = true
	case project.Dates:
		s = arrayOf(dateSchema, project.MaxExceptions)
		s["uniqueItems"] = true
	}
	if pull && (f.Kind == project.Days || f.Kind == project.Dates) {
		longest := s["maxItems"].(int) * len(`"2026-02-28",`)
		s = schema{"type": "string", "description": "the array as JSON text", "maxLength": longest + 2, "pattern": `^\[.*\]$`}
	}
	if f.Nullable {
		return orNull(s)
	}
	return s
}

// projectSchemas are the schemas of all bodies, made of the fields.
func projectSchemas() schema {
	all := schema{}
	changes := schema{}
	for i := range project.Collections {
		c := &project.Collections[i]
		name := schemaName(c)
		row, pulled, create, patch := schema{}, schema{}, schema{}, schema{}
		var optional []string
		for j := range c.Fields {
			f := &c.Fields[j]
			row[f.Name], pulled[f.Name], create[f.Name] = fieldSchema(f, false), fieldSchema(f, true), fieldSchema(f, false)
			if !f.Required {
				optional = append(optional, f.Name)
			}
			if !f.Fixed {
				patch[f.Name] = fieldSchema(f, false)
			}
		}
		if c.Name == project.Tasks {
			all["UploadedTask"] = uploadedRow(create, optional)
		}
		for _, s := range []schema{row, pulled} {
			s["id"], s["server_version"] = idSchema, versionSchema
		}
		create["id"] = idSchema
		all[name], all[name+"Pulled"] = object(row), object(pulled)
		all[name+"Create"] = object(create, append(optional, "id")...)
		all[name+"Patch"] = schema{"type": "object", "properties": patch, "additionalProperties": false, "minProperties": 1}
		all[name+"Page"] = object(schema{"results": arrayOf(ref(name), delta.MaxPageRows), "next_cursor": orNull(idSchema)})
		changes[string(c.Name)] = object(schema{
			"created": arrayOf(ref(name+"Pulled"), 0), "updated": arrayOf(ref(name+"Pulled"), delta.MaxPageRows),
			"deleted": schema{"type": "array", "items": idSchema, "description": "of a page with final=1 every id, however many"}})
	}
	uploadedTasks, ids := arrayOf(ref("UploadedTask"), delta.MaxUploadRows), arrayOf(idSchema, delta.MaxUploadRows)
	dones := arrayOf(object(schema{"id": idSchema, "server_version": versionSchema}), delta.MaxUploadRows)
	all["PullAnswer"] = object(schema{"changes": object(changes), "timestamp": seqSchema, "next_cursor": orNull(cursorSchema)})
	all["Upload"] = object(schema{
		"client_batch_id": uuidSchema,
		"last_pulled_at":  orNull(seqSchema),
		"changes": object(schema{"tasks": object(schema{
			"created": uploadedTasks, "updated": uploadedTasks, "deleted": ids,
		}, "created", "updated", "deleted")}, "tasks"),
	}, "last_pulled_at")
	all["Uploaded"] = object(schema{
		"client_batch_id": uuidSchema,
		"applied": object(schema{"tasks": object(schema{
			"created": dones, "updated": dones, "deleted": dones})}),
		"skipped":   object(schema{"tasks": ids}),
		"timestamp": seqSchema,
	})
	all["OperatorProjectPage"] = object(schema{"results": arrayOf(operatorProject(), delta.MaxPageRows), "next_cursor": orNull(idSchema)})
	codes := problemCodes()
	all["Problem"] = problemSchema(slices.DeleteFunc(codes, func(code string) bool { return code == storageCode }))
	all["StorageProblem"] = problemSchema([]string{storageCode})
	return all
}

// operatorProject is a project in an operator's list.
func operatorProject() schema {
	c := project.Find(project.Projects)
	members := schema{"id": idSchema, "deleted": schema{"type": "boolean"}, "sequence": seqSchema, "tasks": seqSchema, "members": seqSchema, "server_version": versionSchema}
	for _, name := range []string{"name", "status", "archived"} {
		members[name] = fieldSchema(c.Field(name), false)
	}
	return object(members)
}

// uploadedRow is a row as a WatermelonDB client keeps it.
func uploadedRow(fields schema, optional []string) schema {
	members := schema{
		"id":             idSchema,
		"server_version": orNull(seqSchema),
		"_status":        schema{"type": []string{"string", "null"}, "maxLength": delta.MaxUploadBytes},
		"_changed": schema{"type": []string{"string", "null"}, "maxLength": delta.MaxUploadBytes,
			"description": "the fields that were changed, divided by commas: of an updated row only these are taken"},
	}
	members["server_version"].(schema)["description"] = "the version that the client last pulled"
	for name, s := range fields {
		members[name] = s
	}
	s := object(members)
	s["required"] = []string{"id"}
	s["description"] = "A created task needs what a TaskCreate does; an updated one only its id."
	return s
}

// storageCode is a later code than the enum of Problem. A client may know that enum alone, so the
// responses with the later code have a schema of their own.
const storageCode = "insufficient_storage"

func problemSchema(codes []string) schema {
	return object(schema{
		"type": schema{"type": "string", "format": "uri-reference"}, "title": schema{"type": "string"},
		"status": schema{"type": "integer", "format": "int32", "minimum": 400, "maximum": 599}, "detail": schema{"type": "string"},
		"code":   schema{"type": "string", "enum": codes},
		"errors": arrayOf(object(schema{"field": schema{"type": "string"}, "message": schema{"type": "string"}}), delta.MaxErrors),
		"id":     idSchema, "conflict_fields": arrayOf(schema{"type": "string"}, mostFields),
		"server_value": schema{"type": "object"}, "client_value": schema{"type": "object"}, "server_version": versionSchema,
		"request_id": traceSchema, "traceparent": traceSchema,
	}, "request_id", "traceparent", "errors", "id", "conflict_fields", "server_value", "client_value", "server_version")
}

func problemCodes() []string {
	var codes []string
	for _, k := range problemKinds {
		codes = append(codes, string(k.code))
	}
	return codes
}

// openAPIDocument describes the operations as OpenAPI 3.1.
func openAPIDocument(operations []operation) schema {
	paths := schema{}
	for i := range operations {
		o := &operations[i]
		item, ok := paths[root+o.path].(schema)
		if !ok {
			item = schema{}
			if p := pathParameters(o.path); len(p) > 0 {
				item["parameters"] = p
			}
			paths[root+o.path] = item
		}
		item[strings.ToLower(o.method)] = o.document()
	}
	return schema{
		"openapi": "3.1.0",
		"info": schema{
			"title": "Tidemark projects", "version": "1",
			"description": "Projects, tasks and who works on them; a mobile client keeps a copy by pull and upload. Errors are RFC 9457 problems.",
			"license":     schema{"name": "MIT", "identifier": "MIT"},
		},
		"servers":  []any{schema{"url": "/", "description": "the server that the document came from, local or in production", "x-internal": false}},
		"security": []any{schema{"token": []string{}}},
		"tags":     tags(),
		"paths":    paths,
		"components": schema{
			"schemas": projectSchemas(),
			"securitySchemes": schema{"token": schema{"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
				"description": "A JSON Web Token, checked as RFC8725 advises: its algorithm must be one that the server is configured for, with a key of that type."}},
		},
	}
}

// tagNames are the tags beside the collections, and what each says.
var tagNames = map[string]string{
	"interface": "What the interface is", "sync": "A mobile client's copy of a project", "operator": "What an operator sees of all projects",
}

// tags are those of the operations.
func tags() []schema {
	says := maps.Clone(tagNames)
	for i := range project.Collections {
		c := &project.Collections[i]
		says[string(c.Name)] = "The rows of the collection " + string(c.Name)
	}
	var list []schema
	for _, name := range slices.Sorted(maps.Keys(says)) {
		list = append(list, schema{"name": name, "description": says[name]})
	}
	return list
}

func pathParameters(path string) []schema {
	var list []schema
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			says := "the id of the row"
			if name == "project_id" {
				says = "the id of the project"
			}
			list = append(list, schema{"name": name, "in": "path", "description": says, "required": true, "schema": idSchema})
		}
	}
	return list
}

func (o *operation) document() schema {
	responses := schema{}
	for _, r := range o.responses {
		item := schema{"description": r.says}
		if r.schema != "" {
			item["content"] = schema{"application/json": schema{"schema": ref(r.schema)}}
		}
		if len(r.headers) > 0 {
			item["headers"] = headers(r.headers)
		}
		responses[strconv.Itoa(r.status)] = item
	}
	if o.open {
		responses["200"] = schema{"description": o.summary}
	}
	for status, codes := range o.problems() {
		problem := "Problem"
		if status == web.StatusInsufficientStorage {
			problem = "StorageProblem"
		}
		item := schema{
			"description": strings.Join(codes, ", "),
			"content":     schema{"application/problem+json": schema{"schema": ref(problem)}},
		}
		if h, ok := problemHeaders[status]; ok {
			item["headers"] = headers([]responseHeader{h})
		}
		responses[strconv.Itoa(status)] = item
	}
	d := schema{"operationId": o.id, "summary": o.summary, "description": "Needs a valid token.",
		"tags": []string{o.tag()}, "responses": responses}
	switch {
	case o.open:
		d["description"] = "Open to all."
	case o.operator:
		d["description"] = "Needs the permissions " + operatorPermissions + "."
	case o.needsRole():
		d["description"] = "Needs the role " + o.action.Needs().String() + "."
	}
	if o.open {
		d["security"] = []any{}
	}
	var parameters []schema
	for _, p := range o.parameters {
		parameters = append(parameters, schema{"name": p.name, "in": p.in, "description": p.says, "schema": p.schema})
	}
	if len(parameters) > 0 {
		d["parameters"] = parameters
	}
	if o.body != "" {
		d["requestBody"] = schema{"required": true, "content": schema{"application/json": schema{"schema": ref(o.body)}}}
	}
	return d
}

func headers(list []responseHeader) schema {
	all := schema{}
	for _, h := range list {
		all[h.name] = schema{"description": h.says, "required": true, "schema": h.schema}
	}
	return all
}

// tag is the word that groups the operation with others.
func (o *operation) tag() string {
	switch {
	case o.open:
		return "interface"
	case o.operator:
		return "operator"
	case o.collection == "":
		return "sync"
	}
	return string(o.collection)
}

// needsRole says whether the operation is on a project, in which the caller has a role.
func (o *operation) needsRole() bool { return !o.operator && strings.Contains(o.path, "{project_id}") }

const operatorPermissions = string(auth.SyncAdmin + " and " + auth.ProjectsRead)

// problems are the codes that the operation can return, by status.
func (o *operation) problems() map[int][]string {
	if o.open {
		return map[int][]string{web.StatusInternalServerError: {"internal_server_error"}, web.StatusServiceUnavailable: {"service_unavailable"}}
	}
	codes := []project.Code{"unauthorized", "forbidden", "too_many_requests", "internal_server_error", "service_unavailable", storageCode, "timeout"}
	if len(o.parameters) > 0 || o.body != "" {
		codes = append(codes, "invalid_input")
	}
	if o.body != "" {
		codes = append(codes, "bad_request", "payload_too_large", "unsupported_media_type")
	}
	if o.needsRole() {
		codes = append(codes, project.NotFound, project.Revoked, project.RoleTooLow)
	}
	if o.id == subscribeOperation {
		codes = append(codes, "upgrade_required")
	}
	byStatus := map[int][]string{}
	for _, code := range append(codes, o.refusals...) {
		status := kindOf(code).status
		byStatus[status] = append(byStatus[status], string(code))
	}
	return byStatus
}

func (c *call) openAPI() error {
	document, err := jsonvalue.Marshal(openAPIDocument(c.operations))
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, document)
	return nil
}
