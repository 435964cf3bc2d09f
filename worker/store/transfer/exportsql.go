package transfer

import (
	"fmt"
	"strings"

	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/worker/store"
)

const (
	// rowsAtOnce and documentsAtOnce bound what one statement looks at.
	rowsAtOnce      = 5_000
	documentsAtOnce = 256

	// textBytes is about the octets of lines in one cell. With one line more, which is
	// about as long as record.MaxRowBytes, the cell is within store.PartBytes.
	textBytes = 900_000

	// mainPart is the number of the part of a document that comes last and makes the
	// others count: the row of YjsRooms or YjsVersions.
	mainPart = 1 << 31
)

// after returns the id behind which a table reads, if its rows are otherwise as far as the
// position: ?table is the index of the position's table, ?id its id. A blob is greater than
// any text.
func after(index int, table, id string) string {
	return fmt.Sprintf(`CASE WHEN %s > %d THEN x'ff' WHEN %[1]s < %[2]d THEN '' ELSE %[3]s END`, table, index, id)
}

// cutTexts returns a statement that joins lines to texts: of near(owner, number, tab, id,
// octets), the rows in the order in which they go out with about their octets, those before
// the parameter room, each with the line that a table has for it. It has no common table: SQLite
// would copy what is in it for each use. LIMIT -1 keeps SQLite from reading each line twice.
func cutTexts(near []string, lines *strings.Builder, room string) string {
	return fmt.Sprintf(`SELECT text, owner, number, tab, id FROM (
SELECT group_concat(line, char(10) ORDER BY n) AS text, max(n) AS n, owner, number, tab, id FROM (
SELECT *, sum(octet_length(line) + 1) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) AS upto FROM (
SELECT page.*, CASE tab%s END AS line FROM (
SELECT *, row_number() OVER sofar AS n, sum(octets) OVER sofar - octets AS before FROM (
SELECT owner, number, tab, id, octets FROM (
%s) ORDER BY owner, number, tab, id LIMIT %d)
WINDOW sofar AS (ORDER BY owner, number, tab, id ROWS UNBOUNDED PRECEDING)) AS page
WHERE before < CAST(%s AS INTEGER) LIMIT -1))
WHERE upto <= CAST(%[4]s AS INTEGER) OR n = 1 GROUP BY upto / %[5]d) ORDER BY n`,
		lines.String(), store.UnionAll(near), rowsAtOnce, room, textBytes)
}

// readRows returns the statement that reads rows after the stamp ?1, the table ?2 and the id
// ?3, ?4 octets of lines.
func readRows(schema *record.Schema) string {
	var near []string
	var lines strings.Builder
	for i := range schema.Tables {
		t := &schema.Tables[i]
		live, octets := rowLine(t)
		near = append(near, fmt.Sprintf(`SELECT * FROM (SELECT '' AS owner, t.stamp AS number, %d AS tab, t.%s AS id, %s AS octets FROM %s AS t
WHERE (t.stamp, t.%[2]s) > (CAST(?1 AS INTEGER), %[5]s) ORDER BY t.stamp, t.%[2]s LIMIT %[6]d)`,
			i, t.ID, octets, t.SQL, after(i, "?2", "?3"), rowsAtOnce))
		tombstone := store.Balanced(" || ", []string{
			store.Literal(`{"tombstone":"` + t.Name + `","id":`), "json_quote(t." + t.ID + ")", `',"stamp":'`, "t.stamp", "'}'"})
		fmt.Fprintf(&lines, "\nWHEN %d THEN (SELECT CASE t.deleted WHEN 0 THEN %s ELSE %s END FROM %s AS t WHERE t.%s = page.id)", i, live, tombstone, t.SQL, t.ID)
	}
	return cutTexts(near, &lines, "?4")
}

// rowLine returns the line of t's live row, and about how many octets it has.
func rowLine(t *record.Table) (line, octets string) {
	parts := []string{store.Literal(`{"row":"` + t.Name + `","stamp":`), "t.stamp", `',"ahead":'`, "json_quote(t.ahead)", `',"value":{"id":'`, "json_quote(t." + t.ID + ")"}
	sizes := []string{"octet_length(t." + t.ID + ")"}
	fixed := 200
	for _, c := range t.Columns {
		value := "t." + c.SQL
		fixed += len(c.Name) + 32
		quoted := "json_quote(" + value + ")"
		switch c.Type {
		case record.String:
			sizes = append(sizes, "ifnull(octet_length("+value+"), 0)")
		case record.Boolean:
			quoted = jsonBoolean(value)
		}
		parts = append(parts, store.Literal(`,"`+c.Name+`":`), quoted)
	}
	parts = append(parts, `',"created_at":'`, "json_quote(t.created_at)", `',"updated_at":'`, "json_quote(t.updated_at)", "'}}'")
	return store.Balanced(" || ", parts), fmt.Sprintf("(%d + %s)", fixed, store.Balanced(" + ", sizes))
}

func jsonBoolean(value string) string {
	return "CASE " + value + " WHEN 0 THEN 'false' WHEN 1 THEN 'true' ELSE 'null' END"
}

// readProjects returns the statement that reads projects: after the project ?1, the number
// ?2, the collection ?3 and the id ?4, ?5 octets of lines. The line of the project's
// sequence comes before those of its rows.
func readProjects() string {
	near := []string{fmt.Sprintf(`SELECT * FROM (SELECT project_id AS owner, -1 AS number, -1 AS tab, '' AS id, 100 AS octets FROM ProjectSequences
WHERE project_id > ?1 ORDER BY project_id LIMIT %d)`, rowsAtOnce)}
	var lines strings.Builder
	fmt.Fprintf(&lines, "\nWHEN -1 THEN (SELECT %s FROM ProjectSequences AS s WHERE s.project_id = page.owner)", store.Balanced(" || ", []string{
		`'{"project":'`, "json_quote(s.project_id)", `',"seq":'`, "s.seq", `',"floor":'`, "s.floor", "'}'",
	}))
	for i := range project.Collections {
		c := &project.Collections[i]
		line, octets := collectionLine(c)
		near = append(near, fmt.Sprintf(`SELECT * FROM (SELECT t.project_id AS owner, t.seq AS number, %d AS tab, t.id AS id, %s AS octets FROM %s AS t
WHERE (t.project_id, t.seq, t.id) > (?1, CAST(?2 AS INTEGER), %s) ORDER BY t.project_id, t.seq, t.id LIMIT %d)`,
			i, octets, c.Table, after(i, "?3", "?4"), rowsAtOnce))
		fmt.Fprintf(&lines, "\nWHEN %d THEN (SELECT %s FROM %s AS t WHERE t.id = page.id)", i, line, c.Table)
	}
	return cutTexts(near, &lines, "?5")
}

// collectionLine returns the line of t's row, and about how many octets it has.
func collectionLine(c *project.Collection) (line, octets string) {
	parts := []string{store.Literal(`{"collection":"` + string(c.Name) + `","project":`), "json_quote(t.project_id)",
		`',"seq":'`, "t.seq", `',"created_seq":'`, "t.created_seq", `',"server_version":'`, "t.server_version",
		`',"deleted_version":'`, "json_quote(t.deleted_version)", `',"changed":'`, "json(t.changed)", `',"value":{"id":'`, "json_quote(t.id)"}
	sizes := []string{"octet_length(t.changed)"}
	fixed := 400
	for _, f := range c.Fields {
		value := "t." + f.Name
		fixed += len(f.Name) + 32
		quoted := "json_quote(" + value + ")"
		switch f.Kind {
		case project.Integer:
			quoted = "CAST(" + value + " AS INTEGER)"
		case project.Number:
		case project.Boolean:
			quoted = jsonBoolean(value)
		case project.Days, project.Dates:
			quoted = "json(" + value + ")"
			sizes = append(sizes, "octet_length("+value+")")
		default:
			sizes = append(sizes, "ifnull(octet_length("+value+"), 0)")
		}
		parts = append(parts, store.Literal(`,"`+f.Name+`":`), quoted)
	}
	return store.Balanced(" || ", append(parts, "'}}'")), fmt.Sprintf("(%d + %s)", fixed, store.Balanced(" + ", sizes))
}

// readDocuments reads pieces of documents after the part ?3 of the copy ?2 of the room ?1,
// ?4 octets of them. If the room has another copy by now, it begins with that.
var readDocuments = cutStates(`SELECT RoomId AS room, updated_at AS id, ifnull(octet_length(YjsState), 0) AS octets,
  CASE WHEN RoomId = ?1 AND updated_at = CAST(?2 AS INTEGER) THEN CAST(?3 AS INTEGER) ELSE 0 END AS sofar
FROM YjsRooms WHERE RoomId >= ?1 ORDER BY RoomId`,
	`YjsRoomParts AS p ON p.RoomId = docs.room AND p.version = docs.id`,
	`SELECT m.YjsState FROM YjsRooms AS m WHERE m.RoomId = page.room`,
	`SELECT p.YjsState FROM YjsRoomParts AS p WHERE p.RoomId = page.room AND p.version = page.id AND p.part = page.part`,
	`(SELECT count(*) FROM YjsRoomParts AS p WHERE p.RoomId = page.room AND p.version = page.id) AS parts FROM page`)

// readVersions reads pieces of versions after the part ?3 of the version ?2 of the room ?1,
// ?4 octets of them.
var readVersions = cutStates(`SELECT RoomId AS room, VersionId AS id, octet_length(YjsState) AS octets,
  CASE WHEN RoomId = ?1 AND VersionId = ?2 THEN CAST(?3 AS INTEGER) ELSE 0 END AS sofar
FROM YjsVersions WHERE (RoomId, VersionId) >= (?1, ?2) ORDER BY RoomId, VersionId`,
	`YjsVersionParts AS p ON p.RoomId = docs.room AND p.VersionId = docs.id`,
	`SELECT m.YjsState FROM YjsVersions AS m WHERE m.RoomId = page.room AND m.VersionId = page.id`,
	`SELECT p.YjsState FROM YjsVersionParts AS p WHERE p.RoomId = page.room AND p.VersionId = page.id AND p.part = page.part`,
	`v.bytes, v.Name, v.Subject, v.created_at FROM page LEFT JOIN YjsVersions AS v ON v.RoomId = page.room AND v.VersionId = page.id`)

// cutStates returns a statement of pieces. docs are the documents to look at, with how far
// each was read; parts joins their other parts; mainState and partState select a piece; and
// more are the further columns, and where they come from.
func cutStates(docs, parts, mainState, partState, more string) string {
	return fmt.Sprintf(`WITH docs AS MATERIALIZED (
%s LIMIT %d),
page AS MATERIALIZED (
SELECT room, id, part, row_number() OVER w AS n, sum(octets + 200) OVER w AS upto FROM (
  SELECT docs.room, docs.id, p.part, octet_length(p.YjsState) AS octets FROM docs CROSS JOIN %s AND p.part > docs.sofar
  UNION ALL
  SELECT room, id, %d, octets FROM docs WHERE sofar < %[4]d)
WINDOW w AS (ORDER BY room, id, part ROWS UNBOUNDED PRECEDING))
SELECT page.room, page.id, page.part, CASE page.part WHEN %[4]d THEN (%s) ELSE (%s) END AS state, %s
WHERE page.upto <= CAST(?4 AS INTEGER) OR page.n = 1 ORDER BY page.n`,
		docs, documentsAtOnce, parts, mainPart, mainState, partState, more)
}
