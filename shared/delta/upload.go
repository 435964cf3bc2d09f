package delta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tidemark/shared/project"
)

// The size of an upload. The bytes keep it, as one JSON parameter, under D1's
// 2 MB.
const (
	MaxUploadRows  = 500
	MaxUploadBytes = 900_000
)

// An Upload is the changes that a client made to the tasks of a project.
// Projects contract, 5.
type Upload struct {
	BatchID string
	Created []project.Row // one with a known id is an update
	Updated []project.Row
	Deleted []string
}

// Rows is how many rows the upload has.
func (u *Upload) Rows() int { return len(u.Created) + len(u.Updated) + len(u.Deleted) }

// Path is where row i of a list stands in the body, and of it a field, or
// nothing.
func Path(list string, i int, field string) string {
	path := fmt.Sprintf("changes.%s.%s[%d]", project.Tasks, list, i)
	if field != "" {
		path += "." + field
	}
	return path
}

// maxErrors bounds what a refusal tells.
const maxErrors = 50

// ParseUpload reads the body of an upload. Its error is a
// *project.InputError, which names the first things that are wrong.
func ParseUpload(body []byte) (*Upload, error) {
	members, problem := project.Object(body)
	if problem != "" {
		return nil, project.Refuse("body", "%s", problem)
	}
	u := &Upload{}
	var errs []project.FieldError
	refuse := func(field, message string) { errs = append(errs, project.FieldError{Field: field, Message: message}) }
	for _, name := range unknown(members, "client_batch_id", "last_pulled_at", "changes") {
		refuse(name, "is not a member of an upload")
	}
	if json.Unmarshal(members["client_batch_id"], &u.BatchID) != nil || !project.ValidUUID(u.BatchID) {
		refuse("client_batch_id", "must be a UUID")
	}
	var pulled *int64
	if raw, ok := members["last_pulled_at"]; ok && (json.Unmarshal(raw, &pulled) != nil || pulled != nil && *pulled < 0) {
		refuse("last_pulled_at", "must be a whole number, not negative, or null")
	}
	changes, problem := project.Object(members["changes"])
	if problem != "" {
		refuse("changes", problem)
	}
	for _, name := range unknown(changes, string(project.Tasks)) {
		refuse("changes."+name, "only tasks can be uploaded")
	}
	if raw, ok := changes[string(project.Tasks)]; ok {
		errs = append(errs, u.parseTasks(raw)...)
	}
	if len(errs) > 0 {
		return nil, &project.InputError{Errors: errs[:min(len(errs), maxErrors)]}
	}
	return u, nil
}

func (u *Upload) parseTasks(raw json.RawMessage) (errs []project.FieldError) {
	refuse := func(field, message string) { errs = append(errs, project.FieldError{Field: field, Message: message}) }
	lists, problem := project.Object(raw)
	if problem != "" {
		refuse("changes.tasks", problem)
		return errs
	}
	for _, name := range unknown(lists, "created", "updated", "deleted") {
		refuse("changes.tasks."+name, "must be created, updated or deleted")
	}
	rows := map[string][]json.RawMessage{}
	total := 0
	for _, name := range []string{"created", "updated", "deleted"} {
		var list []json.RawMessage
		if raw, ok := lists[name]; ok && (json.Unmarshal(raw, &list) != nil || list == nil) {
			refuse("changes.tasks."+name, "must be an array")
		}
		rows[name] = list
		total += len(list)
	}
	if total > MaxUploadRows {
		refuse("changes.tasks", fmt.Sprintf("has %d rows; at most %d are taken", total, MaxUploadRows))
		return errs
	}
	seen := map[string]bool{}
	known := func(list string, i int, id string) {
		if id != "" && seen[id] {
			refuse(Path(list, i, "id"), "is there twice")
		}
		seen[id] = true
	}
	tasks := project.Find(project.Tasks)
	decode := func(list string) (decoded []project.Row) {
		for i, raw := range rows[list] {
			row, problems := tasks.DecodeUploaded(raw, list == "created")
			for _, p := range problems {
				refuse(Path(list, i, strings.TrimPrefix(p.Field, "body")), p.Message)
			}
			known(list, i, row.ID)
			decoded = append(decoded, row)
		}
		return decoded
	}
	u.Created, u.Updated = decode("created"), decode("updated")
	for i, raw := range rows["deleted"] {
		id, problem := project.DecodeID(raw)
		if problem != "" {
			refuse(Path("deleted", i, ""), problem)
		}
		known("deleted", i, id)
		u.Deleted = append(u.Deleted, id)
	}
	return errs
}

// unknown are the names of members that are none of those, sorted.
func unknown(members map[string]json.RawMessage, names ...string) []string {
	var others []string
	for name := range members {
		if !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return others
}
