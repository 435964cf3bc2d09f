package delta

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
)

// The size of an upload. The bytes keep it, as one JSON parameter, under D1's
// 2 MB: see project.Row.AppendJSON.
const (
	MaxUploadRows  = 500
	MaxUploadBytes = 1_900_000
)

// An Upload is the changes that a client made to the tasks of a project.
// docs/protocol.md, Projects 5.
type Upload struct {
	BatchID string
	Created []project.Row // one with a known id is an update
	Updated []project.Row
	Deleted []string
}

// Path is where row i of a list stands in the body, and of it a field, or
// nothing.
func Path(list string, i int, field string) string {
	path := fmt.Sprintf("changes.%s.%s[%d]", project.Tasks, list, i)
	if field != "" {
		path += "." + field
	}
	return path
}

// MaxErrors bounds the errors of a refusal.
const MaxErrors = 50

// ParseUpload reads the body of an upload. Its error is a
// *project.InputError, which names the first things that are wrong.
func ParseUpload(body []byte) (*Upload, error) {
	members, problem := ijson.ObjectPairs(body)
	if problem != "" {
		return nil, project.Refuse("body", "%s", problem)
	}
	u := &Upload{}
	var errs []project.FieldError
	refuse := func(field, message string) { errs = append(errs, project.FieldError{Field: field, Message: message}) }
	for _, name := range members.Unknown(among("client_batch_id", "last_pulled_at", "changes")) {
		refuse(name, "is not a member of an upload")
	}
	if jsonvalue.Unmarshal(members.Get("client_batch_id"), &u.BatchID) != nil || !project.ValidUUID(u.BatchID) {
		refuse("client_batch_id", "must be a UUID")
	}
	var pulled *int64
	if raw := members.Get("last_pulled_at"); raw != nil && (jsonvalue.Unmarshal(raw, &pulled) != nil || pulled != nil && (*pulled < 0 || *pulled >= int64(project.MaxSeq))) {
		refuse("last_pulled_at", "must be a whole number, not negative, or null")
	}
	changes, problem := ijson.SplitPairs(nil, members.Get("changes")) // body was read: so were its parts
	if problem != "" {
		refuse("changes", problem)
	}
	for _, name := range changes.Unknown(among(string(project.Tasks))) {
		refuse("changes."+name, "only tasks can be uploaded")
	}
	if raw := changes.Get(string(project.Tasks)); raw != nil {
		errs = append(errs, u.parseTasks(raw)...)
	}
	if len(errs) > 0 {
		return nil, &project.InputError{Errors: errs[:min(len(errs), MaxErrors)]}
	}
	return u, nil
}

func (u *Upload) parseTasks(raw []byte) (errs []project.FieldError) {
	refuse := func(field, message string) { errs = append(errs, project.FieldError{Field: field, Message: message}) }
	lists, problem := ijson.SplitPairs(nil, raw)
	if problem != "" {
		refuse("changes.tasks", problem)
		return errs
	}
	for _, name := range lists.Unknown(among("created", "updated", "deleted")) {
		refuse("changes.tasks."+name, "must be created, updated or deleted")
	}
	rows := map[string][][]byte{}
	total := 0
	for _, name := range []string{"created", "updated", "deleted"} {
		if raw := lists.Get(name); raw != nil {
			var ok bool
			if rows[name], ok = ijson.SplitElements(raw); !ok {
				refuse("changes.tasks."+name, "must be an array")
			}
		}
		total += len(rows[name])
	}
	if total > MaxUploadRows {
		refuse("changes.tasks", fmt.Sprintf("has %d rows; at most %d are taken", total, MaxUploadRows))
		return errs
	}
	seen := make(map[string]bool, total)
	known := func(list string, i int, id string) {
		if id != "" && seen[id] {
			refuse(Path(list, i, "id"), "is there twice")
		}
		seen[id] = true
	}
	tasks := project.Find(project.Tasks)
	decode := func(list string) []project.Row {
		decoded := make([]project.Row, 0, len(rows[list]))
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

func among(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}
