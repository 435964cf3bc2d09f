package transfer

import (
	"fmt"
	"strings"

	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

// The statements of an import take rows as a JSON array, ?1. A later row of the same key
// takes the place of an earlier one. A row that cannot be right ends the batch: see refuse.

// refuse is an expression that ends the batch: SQLite's error for json() of invalid JSON.
const refuse = `json('refused')`

// putRows writes the rows of a table: [id, mask, updated_at, created_at, columns…, deleted,
// stamp, ahead].
func putRows(t *record.Table) string {
	columns, values := []string{t.ID}, []string{"j.value ->> 0"}
	add := func(column, value string) {
		columns, values = append(columns, column), append(values, value)
	}
	for i, c := range t.Columns {
		value := fmt.Sprintf("j.value ->> %d", i+4)
		if c.Type == record.Number {
			value = "(" + value + ") + 0.0"
		}
		add(c.SQL, value)
	}
	n := len(t.Columns) + 4
	add("updated_at", "j.value ->> 2")
	add("created_at", "j.value ->> 3")
	add("deleted", fmt.Sprintf("j.value ->> %d", n))
	add("stamp", fmt.Sprintf("j.value ->> %d", n+1))
	add("ahead", fmt.Sprintf("j.value ->> %d", n+2))
	return upsert(t.SQL, columns, values, "jsonb_each(?1) AS j", 1)
}

// upsert writes a row for each one of from. The first columns are its key.
func upsert(table string, columns, values []string, from string, keys int) string {
	set := make([]string, 0, len(columns))
	for _, c := range columns[keys:] {
		set = append(set, c+" = excluded."+c)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s WHERE true ON CONFLICT (%s) DO UPDATE SET %s",
		table, strings.Join(columns, ", "), strings.Join(values, ", "), from, strings.Join(columns[:keys], ", "), strings.Join(set, ", "))
}

// putSequences writes the sequences of projects: [project, seq, floor].
var putSequences = upsert("ProjectSequences", []string{"project_id", "seq", "floor", "drawn"},
	[]string{"j.value ->> 0", "j.value ->> 1", "j.value ->> 2", "''"}, "json_each(?1) AS j", 1)

// putCollection writes the rows of a collection: [id, project, server_version,
// deleted_version, seq, created_seq, changed, fields]. The project must have a sequence.
func putCollection(c *project.Collection) string {
	columns := []string{"id", "project_id", "server_version", "deleted_version", "seq", "created_seq", "changed"}
	values := []string{"j.value ->> 0", "CASE WHEN s.project_id IS NULL THEN " + refuse + " ELSE s.project_id END"}
	for i := 2; i < len(columns); i++ {
		values = append(values, fmt.Sprintf("j.value ->> %d", i))
	}
	for _, f := range c.Fields {
		columns, values = append(columns, f.Name), append(values, "json_extract(j.value, '$[7]."+f.Name+"')")
	}
	return upsert(c.Table, columns, values, "jsonb_each(?1) AS j LEFT JOIN ProjectSequences AS s ON s.project_id = j.value ->> 1", 1)
}

// The state of a row stands at its end or, if it is long, in ?2.
var (
	// putDocumentParts writes parts of documents: [room, version, part, state]. The main part
	// must not be there.
	putDocumentParts = upsert("YjsRoomParts", []string{"RoomId", "version", "part", "YjsState"},
		[]string{"j.value ->> 0", "j.value ->> 1", "j.value ->> 2", partOf("YjsRooms AS m WHERE m.RoomId = j.value ->> 0 AND m.updated_at = j.value ->> 1")}, "json_each(?1) AS j", 3)

	// putDocuments writes the main parts: [room, updated_at, parts, state]. The other parts
	// must be there.
	putDocuments = upsert("YjsRooms", []string{"RoomId", "updated_at", "YjsState"},
		[]string{"j.value ->> 0", "j.value ->> 1", `CASE
  WHEN (SELECT count(*) FROM YjsRoomParts AS p WHERE p.RoomId = j.value ->> 0 AND p.version = j.value ->> 1) = j.value ->> 2
  THEN ifnull(?2, j.value ->> 3) ELSE ` + refuse + ` END`}, "json_each(?1) AS j", 1)

	// putVersionParts writes parts of versions: [room, id, part, state]. The main part must
	// not be there.
	putVersionParts = upsert("YjsVersionParts", []string{"RoomId", "VersionId", "part", "YjsState"},
		[]string{"j.value ->> 0", "j.value ->> 1", "j.value ->> 2", partOf("YjsVersions AS m WHERE m.RoomId = j.value ->> 0 AND m.VersionId = j.value ->> 1")}, "json_each(?1) AS j", 3)

	// putVersions writes the main parts: [room, id, bytes, name, subject, created_at, state].
	// All parts together must have that many bytes.
	putVersions = upsert("YjsVersions", []string{"RoomId", "VersionId", "bytes", "Name", "Subject", "created_at", "YjsState"},
		[]string{"j.value ->> 0", "j.value ->> 1", "j.value ->> 2", "j.value ->> 3", "j.value ->> 4", "j.value ->> 5", `CASE
  WHEN ` + stateBytes("ifnull(?2, j.value ->> 6)") + ` + ifnull((SELECT sum(` + stateBytes("p.YjsState") + `) FROM YjsVersionParts AS p
    WHERE p.RoomId = j.value ->> 0 AND p.VersionId = j.value ->> 1), 0) = j.value ->> 2
  THEN ifnull(?2, j.value ->> 6) ELSE ` + refuse + ` END`}, "json_each(?1) AS j", 2)
)

// partOf is the state of a part, unless there is a row of main.
func partOf(main string) string {
	return "CASE WHEN EXISTS (SELECT 1 FROM " + main + ") THEN " + refuse + " ELSE ifnull(?2, j.value ->> 3) END"
}

// stateBytes is how many bytes a text of Base64 stands for.
func stateBytes(text string) string {
	return "octet_length(rtrim(" + text + ", '=' || char(10))) * 3 / 4"
}

// findContent returns the statement that reads the state of the import, and the name of
// something that the database has: NULL if it is empty.
func findContent(schema *record.Schema) string {
	var cases strings.Builder
	has := func(table, name string) {
		fmt.Fprintf(&cases, " WHEN EXISTS (SELECT 1 FROM %s) THEN %s", table, store.Literal(name))
	}
	for i := range schema.Tables {
		has(schema.Tables[i].SQL, "rows of the table "+schema.Tables[i].Name)
	}
	has("YjsRooms", "documents")
	has("YjsVersions", "versions of documents")
	has("ProjectSequences", "projects")
	return "CASE" + cases.String() + " END"
}

// importing is the floor while an import runs: no push is accepted, as it is not based on a
// stamp from here on. docs/protocol.md, T3.
const importing = "9007199254740992"

// The statements around the rows of a page.
const (
	readImport = `SELECT Export, stamp, pages, finished FROM Import`

	// beginImport takes the id of the export and its stamp.
	beginImport = `INSERT INTO Import (one, Export, stamp, pages, finished) VALUES (1, ?1, CAST(?2 AS INTEGER), 1, 0)`
	closeDoor   = `UPDATE Clock SET floor = ` + importing

	// isNext ends the batch unless ?2 is the next page of the export ?1.
	isNext  = `SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM Import WHERE Export = ?1 AND pages = CAST(?2 AS INTEGER) - 1 AND finished = 0) THEN ` + refuse + ` END AS refused`
	addPage = `UPDATE Import SET pages = pages + 1`

	// probe ends the batch with an error of its own.
	probe     = `INSERT INTO Import (one, Export, stamp, pages, finished) VALUES (2, '', 0, 0, 0)`
	probeText = "OneImport"
)

// newFinish returns the statements after the last page. They give the database a stamp
// above each that a client of an earlier database of that name can have, and have such
// clients begin anew: as records.Restore and projects.Restore do. The first one returns the
// stamp. Their ?1 is the least one, ?2 the time in milliseconds.
func newFinish(schema *record.Schema) []string {
	stamps := []string{"SELECT stamp + 1 AS s FROM Clock", "SELECT stamp + 1 FROM Import", "SELECT CAST(?1 AS INTEGER)"}
	for i := range schema.Tables {
		stamps = append(stamps, "SELECT * FROM (SELECT max(stamp) + 1 FROM "+schema.Tables[i].SQL+")")
	}
	var seqs []string
	for i := range project.Collections {
		seqs = append(seqs, fmt.Sprintf("ifnull((SELECT max(t.seq) FROM %s AS t WHERE t.project_id = ProjectSequences.project_id), 0) + 1", project.Collections[i].Table))
	}
	seq := "max(seq + 1, CAST(?1 AS INTEGER), " + strings.Join(seqs, ", ") + ")"
	return []string{
		"UPDATE Clock SET (stamp, floor) = (SELECT max(s), max(s) FROM (" + store.UnionAll(stamps) + ")) RETURNING stamp",
		"UPDATE ProjectSequences SET seq = " + seq + ", floor = " + seq,
		"DELETE FROM YjsRoomParts WHERE NOT EXISTS (SELECT 1 FROM YjsRooms AS m WHERE m.RoomId = YjsRoomParts.RoomId AND m.updated_at = YjsRoomParts.version)",
		"DELETE FROM YjsVersionParts WHERE NOT EXISTS (SELECT 1 FROM YjsVersions AS m WHERE m.RoomId = YjsVersionParts.RoomId AND m.VersionId = YjsVersionParts.VersionId)",
		"UPDATE Import SET finished = 1",
	}
}
