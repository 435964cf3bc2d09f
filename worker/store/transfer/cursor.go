package transfer

import (
	"encoding/base64"
	"errors"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/project"
	"tidemark/shared/record"
)

// ErrCursor says that a cursor is not from an export of this server.
var ErrCursor = errors.New("the cursor is not from an export of this server")

// The phases of an export, in their order.
const (
	phaseRows      = "rows"
	phaseDocuments = "documents"
	phaseVersions  = "versions"
	phaseProjects  = "projects"
	phaseEnd       = ""
)

// nextPhase is the phase after each.
var nextPhase = map[string]string{
	phaseRows: phaseDocuments, phaseDocuments: phaseVersions, phaseVersions: phaseProjects, phaseProjects: phaseEnd,
}

// A position is where an export goes on. Its lines come after
//
//	phaseRows       (Number, Table, ID): the stamp, the table and the row
//	phaseDocuments  (Owner, Part): the room and the part of its copy of the version Number
//	phaseVersions   (Owner, ID, Part): the room, its version and the part of that
//	phaseProjects   (Owner, Number, Table, ID): the project, the number of its sequence, the collection and the row
//
// in that order. Table is "" for what comes before all tables.
type position struct {
	Export string `json:"export"` // the export's id
	Page   int64  `json:"page"`   // the number of the page to come
	Phase  string `json:"phase"`
	Owner  string `json:"owner,omitempty"`
	Number int64  `json:"number,omitempty"`
	Table  string `json:"table,omitempty"`
	ID     string `json:"id,omitempty"`
	Part   int64  `json:"part,omitempty"`
}

// enter returns the position before the first line of a phase.
func (p position) enter(phase string) position {
	return position{Export: p.Export, Page: p.Page, Phase: phase, Number: -1}
}

func (p position) cursor() string {
	text, _ := jsonvalue.Marshal(p) // texts and numbers
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor is the inverse of cursor. Its error is ErrCursor.
func readCursor(cursor string, schema *record.Schema) (position, error) {
	var p position
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return p, ErrCursor
	}
	if jsonvalue.UnmarshalStrict(text, &p) != nil {
		return p, ErrCursor
	}
	if _, known := nextPhase[p.Phase]; !known || !validExport(p.Export) || p.Page < 2 || p.Page > ijson.MaxInteger ||
		p.Number < -1 || p.Number > ijson.MaxInteger || p.Part < 0 || p.Part > mainPart || p.tableIndex(schema) < -1 {
		return p, ErrCursor
	}
	return p, nil
}

// tableIndex returns the index of the table or collection, -1 for none, or -2 if it is
// unknown.
func (p *position) tableIndex(schema *record.Schema) int {
	index := -1
	if p.Table != "" {
		index = -2
		if p.Phase == phaseRows {
			index = schema.Table(p.Table)
		} else if p.Phase == phaseProjects {
			index = project.Name(p.Table).Index()
		}
		if index < 0 {
			return -2
		}
	}
	return index
}

// validExport says whether id can be the id of an export.
func validExport(id string) bool { return record.ValidID(id, 64) }
