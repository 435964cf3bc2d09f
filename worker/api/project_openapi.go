package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/delta"
	"tidemark/shared/project"
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
		schema{"type": "integer", "minimum": 1, "maximum": delta.MaxPageRows, "default": delta.DefaultPageRows}}
	listParameters = []parameter{pageSize,
		{"cursor", "query", "next_cursor of the page before", schema{"type": "string"}}}
	pullParameters = []parameter{
		{"since", "query", "rows changed after this mark; 0 is everything. The same on every page.",
			schema{"type": "integer", "minimum": 0, "default": 0}},
		{"cursor", "query", "next_cursor of the page before", schema{"type": "string"}},
		pageSize,
		{"final", "query", "1: every id that a removed member can have, as deleted", schema{"type": "integer", "const": 1}},
	}
	baseParameters = []parameter{
		{baseHeader, "header", "the server_version that the change was made on; without it the last write wins",
			schema{"type": "integer", "minimum": 1}},
		{"If-Match", "header", "the same, as the row's ETag", schema{"type": "string"}},
	}
)

// schemaName is the name of a row's schema, schemaNames of several.
func schemaName(c *project.Collection) string {
	return strings.ToUpper(c.Title[:1]) + c.Title[1:]
}

func schemaNames(c *project.Collection) string {
	return strings.ToUpper(string(c.Name[:1])) + string(c.Name[1:])
}

func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }

func arrayOf(items schema) schema { return schema{"type": "array", "items": items} }

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
	idSchema      = schema{"type": "string", "pattern": `^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`}
	versionSchema = schema{"type": "integer", "minimum": 1}
	seqSchema     = schema{"type": "integer", "minimum": 0}
	cursorSchema  = schema{"type": []string{"string", "null"}}
)

// fieldSchema is what a field takes. In a pull an array is JSON text, as a
// WatermelonDB column holds it.
func fieldSchema(f *project.Field, pull bool) schema {
	s := schema{"type": "string"}
	switch f.Kind {
	case project.Text:
		s["minLength"], s["maxLength"] = f.Min, f.Max
	case project.Date:
		s["format"] = "date"
	case project.Integer:
		s = schema{"type": "integer", "minimum": f.Min, "maximum": f.Max}
	case project.Number:
		s = schema{"type": "number", "minimum": f.Min, "maximum": f.Max}
	case project.Boolean:
		s = schema{"type": "boolean"}
	case project.Choice:
		s["enum"] = f.Choices
	case project.Ref:
		s["description"] = "the id of a live row of " + string(f.To)
		if f.To == project.Memberships {
			s["description"] = "the user_id of a member"
		}
	case project.Days:
		s = schema{"type": "array", "items": schema{"type": "integer", "minimum": 1, "maximum": 7}, "uniqueItems": true, "maxItems": 7}
	case project.Dates:
		s = schema{"type": "array", "items": schema{"type": "string", "format": "date"}, "uniqueItems": true, "maxItems": project.MaxExceptions}
	}
	if pull && (f.Kind == project.Days || f.Kind == project.Dates) {
		s = schema{"type": "string", "description": "the array as JSON text"}
	}
	if f.Nullable {
		s["type"] = []string{s["type"].(string), "null"}
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
		all[name+"Page"] = object(schema{"results": arrayOf(ref(name)), "next_cursor": cursorSchema})
		changes[string(c.Name)] = object(schema{
			"created": schema{"type": "array", "maxItems": 0}, "updated": arrayOf(ref(name + "Pulled")), "deleted": arrayOf(idSchema)})
	}
	done := object(schema{"id": idSchema, "server_version": versionSchema})
	all["PullAnswer"] = object(schema{"changes": object(changes), "timestamp": seqSchema, "next_cursor": cursorSchema})
	all["Upload"] = object(schema{
		"client_batch_id": schema{"type": "string", "format": "uuid"},
		"last_pulled_at":  schema{"type": []string{"integer", "null"}, "minimum": 0},
		"changes": object(schema{"tasks": object(schema{
			"created": arrayOf(ref("UploadedTask")), "updated": arrayOf(ref("UploadedTask")), "deleted": arrayOf(idSchema),
		}, "created", "updated", "deleted")}, "tasks"),
	}, "last_pulled_at")
	all["Uploaded"] = object(schema{
		"client_batch_id": schema{"type": "string", "format": "uuid"},
		"applied": object(schema{"tasks": object(schema{
			"created": arrayOf(done), "updated": arrayOf(done), "deleted": arrayOf(done)})}),
		"skipped":   object(schema{"tasks": arrayOf(idSchema)}),
		"timestamp": seqSchema,
	})
	all["Problem"] = object(schema{
		"type": schema{"type": "string", "format": "uri-reference"}, "title": schema{"type": "string"},
		"status": schema{"type": "integer"}, "detail": schema{"type": "string"},
		"code":   schema{"type": "string", "enum": problemCodes()},
		"errors": arrayOf(object(schema{"field": schema{"type": "string"}, "message": schema{"type": "string"}})),
		"id":     idSchema, "conflict_fields": arrayOf(schema{"type": "string"}),
		"server_value": schema{"type": "object"}, "client_value": schema{"type": "object"}, "server_version": versionSchema,
	}, "errors", "id", "conflict_fields", "server_value", "client_value", "server_version")
	return all
}

// uploadedRow is a row as a WatermelonDB client keeps it.
func uploadedRow(fields schema, optional []string) schema {
	members := schema{
		"id":             idSchema,
		"server_version": schema{"type": []string{"integer", "null"}, "minimum": 0, "description": "the version that the client last pulled"},
		"_status":        schema{"type": "string"},
		"_changed":       schema{"type": "string", "description": "the fields that were changed, divided by commas: of an updated row only these are taken"},
	}
	for name, s := range fields {
		members[name] = s
	}
	s := object(members)
	s["required"] = []string{"id"}
	s["description"] = "A created task needs what a TaskCreate does; an updated one only its id."
	return s
}

func problemCodes() []string {
	var codes []string
	for _, k := range problemKinds {
		codes = append(codes, string(k.code))
	}
	return codes
}

// openAPIDocument describes the routes as OpenAPI 3.1.
func openAPIDocument(routes []projectRoute) schema {
	paths := schema{}
	for i := range routes {
		route := &routes[i]
		path := strings.TrimSuffix(projectsRoot, "/") + route.path
		operations, ok := paths[path].(schema)
		if !ok {
			operations = schema{}
			if p := pathParameters(route.path); len(p) > 0 {
				operations["parameters"] = p
			}
			paths[path] = operations
		}
		operations[strings.ToLower(route.method)] = route.document()
	}
	return schema{
		"openapi": "3.1.0",
		"info": schema{
			"title": "Tidemark projects", "version": "1",
			"description": "Projects, tasks and who works on them; a mobile client keeps a copy by pull and upload. Errors are RFC 9457 problems.",
			"license":     schema{"name": "MIT", "identifier": "MIT"},
		},
		"servers":  []any{schema{"url": "/"}},
		"security": []any{schema{"token": []string{}}},
		"paths":    paths,
		"components": schema{
			"schemas":         projectSchemas(),
			"securitySchemes": schema{"token": schema{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
		},
	}
}

func pathParameters(path string) []schema {
	var list []schema
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			list = append(list, schema{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": idSchema})
		}
	}
	return list
}

func (r *projectRoute) document() schema {
	answers := schema{}
	for _, a := range r.answers {
		answer := schema{"description": a.says}
		if a.schema != "" {
			answer["content"] = schema{"application/json": schema{"schema": ref(a.schema)}}
		}
		answers[strconv.Itoa(a.status)] = answer
	}
	if r.open {
		answers["200"] = schema{"description": r.summary}
	}
	for status, codes := range r.problems() {
		answers[strconv.Itoa(status)] = schema{
			"description": strings.Join(codes, ", "),
			"content":     schema{"application/problem+json": schema{"schema": ref("Problem")}},
		}
	}
	d := schema{"operationId": r.operation, "summary": r.summary, "responses": answers}
	if r.needsRole() {
		d["description"] = "Needs the role " + r.action.Needs().String() + "."
	}
	if r.open {
		d["security"] = []any{}
	}
	var parameters []schema
	for _, p := range r.parameters {
		parameters = append(parameters, schema{"name": p.name, "in": p.in, "description": p.says, "schema": p.schema})
	}
	if len(parameters) > 0 {
		d["parameters"] = parameters
	}
	if r.body != "" {
		d["requestBody"] = schema{"required": true, "content": schema{"application/json": schema{"schema": ref(r.body)}}}
	}
	return d
}

// needsRole says whether the route is about a project.
func (r *projectRoute) needsRole() bool { return strings.Contains(r.path, "{project_id}") }

// problems are the codes that the route can answer, by status.
func (r *projectRoute) problems() map[int][]string {
	if r.open {
		return nil
	}
	codes := []project.Code{"unauthorized", "forbidden", "too_many_requests", "internal_server_error", "service_unavailable", "timeout"}
	if len(r.parameters) > 0 || r.body != "" {
		codes = append(codes, "invalid_input")
	}
	if r.body != "" {
		codes = append(codes, "payload_too_large")
	}
	if r.needsRole() {
		codes = append(codes, project.NotFound, project.Revoked, project.RoleTooLow)
	}
	if r.operation == "subscribe" {
		codes = append(codes, "upgrade_required")
	}
	byStatus := map[int][]string{}
	for _, code := range append(codes, r.refusals...) {
		status := kindOf(code).status
		byStatus[status] = append(byStatus[status], string(code))
	}
	return byStatus
}

func (c *projectCall) openAPI() error {
	document, err := json.Marshal(openAPIDocument(c.routes))
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, document)
	return nil
}
