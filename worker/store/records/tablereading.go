package records

import (
	"fmt"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// A table of at most smallRows rowids is first read smallStep rowids to a cell.
const (
	smallRows = 40_000
	smallStep = 2_000
)

// A tableReading is the statements that read one table, as the clients of one
// schema version know it.
type tableReading struct {
	record.Table
	*rules
	index int    // in the schema
	row   string // a live row of t as JSON
	bytes string // about the octets of t's row
	bound string // at least the octets of row
	reads string // the condition that the caller may read t's row; "": every caller may
	told  told   // what a pull brings beside the rows that changed

	// Three statements return every live row. A cell of theirs is some rows, as a
	// JSON array for each member of a row, one a line. ?1 is how many octets the
	// cells may have together: the cell that has more is NULL, and the last one.
	//
	// Direct measures nothing. It is for a table of so few rowids that no cell is
	// likely to grow too long, and returns one NULL for a table with more. Guarded
	// is direct, but a step whose rows have much more than a cell takes is NULL:
	// otherwise the database makes the text in memory, whatever its length, before
	// it finds the text too long. Measured makes its steps by the longest row.
	//
	// If the caller may not read every row, ?2 are the grants, and direct and guarded return one cell.
	direct, guarded, measured string
	// Members are the texts before each of those values in a row.
	members [][]byte
	// Size is about how many octets the live rows have that the caller may read. ?1 are the grants,
	// if reads asks for them.
	size string
	// Changes returns what changed after ?1: whether the rows are tombstones, and a
	// JSON array of rows or of ids; ?2 is as ?1 above. ChangesSize is about how many
	// octets those rows have.
	changes, changesSize string
}

// since is the stamp from which on a client that has seen ?1 gets the changes: -1, and no tombstones,
// if it needs a replacement.
func (r *rules) since() string {
	return `(SELECT CASE WHEN CAST(?1 AS INTEGER) BETWEEN ` + r.oldest + ` AND Clock.stamp THEN CAST(?1 AS INTEGER) ELSE ` + r.replacementFrom + ` END FROM Clock)`
}

// newTableReadings returns those of the tables that a client of the version knows.
func newTableReadings(schema *record.Schema, version record.Version, plan *grants.Plan, rules *rules) (list []tableReading) {
	for i, t := range schema.Tables {
		if t.Since > version {
			continue
		}
		r := tableReading{Table: t.At(version), rules: rules, index: i}
		r.row, r.bytes, r.bound = rowOf(&r.Table)
		r.reads, r.told = readable(&schema.Tables[i], plan, "t", rules), newTold(&schema.Tables[i], plan)
		r.measured, r.members = r.readLive(fmt.Sprintf(
			"SELECT min(t.rowid) AS first, max(1, %d / max(%s)) AS step, 0 AS octets FROM %s AS t WHERE t.deleted = 0",
			store.PartBytes, r.bound, t.SQL), "")
		r.size = grants.In(fmt.Sprintf("SELECT sum(%s) AS octets FROM %s AS t WHERE %s", r.bytes, t.SQL, both("t.deleted = 0", r.reads)), 1)
		few := fmt.Sprintf(
			"SELECT first, %d AS step, CASE WHEN last - first >= %d THEN ?1 + 1 ELSE 0 END AS octets FROM (SELECT (SELECT min(t.rowid) FROM %[3]s AS t) AS first, (SELECT max(t.rowid) FROM %[3]s AS t) AS last)",
			smallStep, smallRows, t.SQL)
		r.direct, _ = r.readLive(few, "")
		r.guarded, _ = r.readLive(few, r.bytes)
		if r.reads != "" {
			r.direct, r.guarded, r.measured = r.readOwn()
		}
		r.changes, r.changesSize = r.readChanges(""), r.readChangesSize("")
		list = append(list, r)
	}
	return list
}

// rowOf is a row of t as JSON, about how many octets it is stored in, and at
// least how many it takes as JSON, where a character may take six.
func rowOf(t *record.Table) (row, bytes, bound string) {
	var objects []string
	pairs := []string{"'id', t." + t.ID}
	fixed := len(`{"id":"","created_at":,"updated_at":},`) + 2*32
	octets := []string{"octet_length(t." + t.ID + ")"}
	add := func(pair string) {
		if pairs = append(pairs, pair); len(pairs) == store.FunctionArgs/2 {
			objects = append(objects, "json_object("+strings.Join(pairs, ", ")+")")
			pairs = nil
		}
	}
	for _, c := range t.Columns {
		value := "t." + c.SQL
		fixed += len(c.Name) + len(`"":"",`)
		switch c.Type {
		case record.String:
			octets = append(octets, "ifnull(octet_length("+value+"), 0)")
		case record.Number:
			fixed += 32
		case record.Boolean:
			fixed += len("false")
		}
		add("'" + c.Name + "', " + jsonValue(&c))
	}
	add("'created_at', t.created_at")
	add("'updated_at', t.updated_at")
	if len(pairs) > 0 {
		objects = append(objects, "json_object("+strings.Join(pairs, ", ")+")")
	}
	row = objects[0]
	for _, object := range objects[1:] {
		// Every object ends with a scalar and begins with a name.
		row = "rtrim(" + row + ", '}') || ',' || ltrim(" + object + ", '{')"
	}
	if len(objects) > 1 {
		row = "json(" + row + ")"
	}
	bytes = fmt.Sprintf("(%d + %s)", fixed, store.Balanced(" + ", octets))
	// A long row is measured: few characters take six octets.
	bound = fmt.Sprintf("CASE WHEN %s < 20000 THEN 6 * %[1]s ELSE octet_length(%s) END", bytes, row)
	return row, bytes, bound
}

// jsonValue is t's column, so that JSON has its type. A row may be older than the declaration that
// made its column mandatory, with a default.
func jsonValue(c *record.Column) string {
	value := "t." + c.SQL
	if !c.Nullable && c.Default != nil {
		value = "ifnull(" + value + ", " + store.Literal(c.Default) + ")"
	}
	if c.Type == record.Boolean {
		return store.JSONBoolean(value)
	}
	return value
}

// arrays are JSON arrays of each member of some rows, and the texts before the values in a row.
func (r *tableReading) arrays() (arrays []string, members [][]byte) {
	add := func(name, value string) {
		arrays = append(arrays, "json_group_array("+value+")")
		members = append(members, append(ijson.AppendString([]byte{','}, name), ':'))
	}
	add("id", "t."+r.ID)
	for _, c := range r.Columns {
		add(c.Name, jsonValue(&c))
	}
	add(record.CreatedAt, "t.created_at")
	add(record.UpdatedAt, "t.updated_at")
	members[0][0] = '{'
	return arrays, members
}

// readOwn returns the statements of the live rows that the caller may read.
func (r *tableReading) readOwn() (direct, guarded, measured string) {
	arrays, _ := r.arrays()
	from := fmt.Sprintf("FROM %s AS t WHERE %s", r.SQL, both("t.deleted = 0", r.reads))
	one := fmt.Sprintf("(SELECT iif(octet_length(columns) <= ?1, columns, NULL) FROM (SELECT %s AS columns %s))", store.Lines(arrays), from)
	direct = "SELECT " + one + " AS columns"
	guarded = fmt.Sprintf("SELECT iif(ifnull((SELECT sum(%s) %s), 0) <= %d, %s, NULL) AS columns", r.bytes, from, store.WaryBytes, one)
	measured = fmt.Sprintf(`WITH ownrows AS MATERIALIZED (
  SELECT t.rowid AS at, row_number() OVER () AS n %s),
span AS MATERIALIZED (
  SELECT max(1, %d / max(%s)) AS step %[1]s)
SELECT CASE WHEN sum(octet_length(columns)) OVER (ROWS UNBOUNDED PRECEDING) <= ?1 THEN columns END AS columns FROM (
SELECT %[4]s AS columns FROM ownrows CROSS JOIN %[5]s AS t ON t.rowid = ownrows.at GROUP BY ownrows.n / (SELECT step FROM span))`,
		from, store.PartBytes, r.bound, store.Lines(arrays), r.SQL)
	return grants.In(direct, 2), grants.In(guarded, 2), grants.In(measured, 2)
}

// readLive returns a statement that walks over the table in steps of rowids, from the
// first; span says which, and how long a step is. If bytes is not "", the statement
// measures the rows of a step, and a step of more than store.WaryBytes is NULL. It returns
// columns, not rows: most of a row's text is names and quotes, and D1 quotes and parses
// all text once more.
func (r *tableReading) readLive(span, bytes string) (sql string, members [][]byte) {
	arrays, members := r.arrays()
	step := fmt.Sprintf("FROM %s AS t WHERE t.rowid >= part.lo AND t.rowid < part.lo + span.step AND t.deleted = 0", r.SQL)
	columns := fmt.Sprintf("(SELECT %s %s)", store.Lines(arrays), step)
	if bytes != "" {
		columns = fmt.Sprintf("CASE WHEN ifnull((SELECT sum(%s) %s), 0) <= %d THEN %s END", bytes, step, store.WaryBytes, columns)
	}
	return fmt.Sprintf(`WITH RECURSIVE span AS MATERIALIZED (
  %s),
part(lo, columns, octets) AS (
  SELECT first, '', octets FROM span
  UNION ALL
  SELECT (SELECT t.rowid FROM %[2]s AS t WHERE t.rowid >= part.lo + span.step ORDER BY t.rowid LIMIT 1),
    %[3]s,
    part.octets + octet_length(columns)
  FROM part, span WHERE lo IS NOT NULL AND part.octets + octet_length(columns) <= ?1)
SELECT CASE WHEN octets + octet_length(columns) <= ?1 THEN columns END AS columns
FROM part WHERE ifnull(octets + octet_length(columns), 1) > 0`, span, r.SQL, columns), members
}

// readDeltas returns, in one row, the clock and for each table what changed
// after ?1: a line with the JSON array of rows, and a line with that of ids. A
// text of more than ?2 octets is NULL, and so is the text of rows of more than
// store.WaryBytes. It is "" if D1 does not take it: for very many tables.
func readDeltas(tables []tableReading, rules *rules) string {
	if len(tables)+clockColumns > store.ResultColumns {
		return ""
	}
	sql := strings.TrimSuffix(rules.readClock, " FROM Clock")
	for i := range tables {
		r := &tables[i]
		if r.told.table != "" {
			sql += r.readDelta(i)
			continue
		}
		sql += fmt.Sprintf(`, iif(ifnull((SELECT sum(%[5]s) FROM %[3]s AS t WHERE t.stamp > ?1), 0) <= %[6]d, (SELECT iif(octet_length(found) <= ?2, found, NULL) FROM (
SELECT json_group_array(%[1]s) FILTER (WHERE t.deleted = 0) || char(10) || json_group_array(t.%[2]s) FILTER (WHERE t.deleted) AS found FROM %[3]s AS t WHERE t.stamp > ?1)), NULL) AS t%[4]d`,
			r.row, r.ID, r.SQL, i, r.bytes, store.WaryBytes)
	}
	if sql += " FROM Clock"; len(sql) > store.StatementBytes {
		return ""
	}
	return sql
}

// readDelta is the column of readDeltas for a table that has entries in Told.
func (r *tableReading) readDelta(n int) string {
	return grants.In(fmt.Sprintf(`, (SELECT iif(octets <= %[7]d AND octet_length(found) <= ?2, found, NULL) FROM (
SELECT ifnull(max(k.octets), 0) AS octets, json_group_array(%[8]s) FILTER (WHERE k.live AND k.octets <= %[7]d) || char(10) || json_group_array(k.id) FILTER (WHERE k.live IS NOT TRUE) AS found FROM (
SELECT at, id, live, sum(octets) OVER () AS octets FROM (
SELECT t.rowid AS at, t.%[1]s AS id, t.deleted = 0 AS live, %[6]s AS octets FROM %[2]s AS t WHERE %[3]s UNION ALL
SELECT t.rowid, f.id, %[4]s, %[6]s FROM %[5]s)) AS k LEFT JOIN %[2]s AS t ON t.rowid = k.at)) AS t%[9]d`,
		r.ID, r.SQL, r.brings("?1", ""), r.shown(), r.fromTold("?1", ""), r.toldBytes(r.bytes), store.WaryBytes, r.row, n), 3)
}

// changedRows is the condition of the rows that changed after since, and of those live ones
// that meet the condition also.
func changedRows(since, also string) string {
	changed := "t.stamp > " + since
	if also != "" {
		changed = "(" + changed + " OR " + also + ")"
	}
	return changed
}

// readChanges returns a statement that also reads the live rows that meet the condition.
func (r *tableReading) readChanges(also string) string {
	told, since := "", r.since()
	if r.told.table != "" {
		told = fmt.Sprintf(`
UNION ALL
SELECT %[1]s IS NOT TRUE AS dead, json_group_array(CASE WHEN %[1]s THEN %[2]s ELSE f.id END) AS part FROM (
SELECT f.id AS id, t.rowid AS at, row_number() OVER () AS n, max(%[3]s) OVER () AS longest FROM %[4]s) AS f
LEFT JOIN %[5]s AS t ON t.rowid = f.at GROUP BY 1, f.n / max(1, %[6]d / f.longest)`,
			r.shown(), r.row, r.toldBytes(r.bound), r.fromTold(since, also), r.SQL, store.PartBytes)
	}
	return grants.In(fmt.Sprintf(`SELECT dead, CASE WHEN sum(octet_length(part)) OVER (ROWS UNBOUNDED PRECEDING) <= ?2 THEN part END AS part FROM (
SELECT t.deleted AS dead, json_group_array(CASE t.deleted WHEN 0 THEN %[1]s ELSE t.%[2]s END) AS part
FROM %[3]s AS t WHERE %[4]s AND (t.deleted = 0 OR %[5]s >= 0)
GROUP BY t.deleted, t.rowid / (SELECT max(1, %[6]d / max(%[7]s)) FROM %[3]s AS t WHERE %[4]s)%[8]s)`,
		r.row, r.ID, r.SQL, r.brings(since, also), since, store.PartBytes, r.bound, told), 3)
}

// readChangesSize is about how many octets readChanges reads.
func (r *tableReading) readChangesSize(also string) string {
	since := r.since()
	size := fmt.Sprintf("sum(%s) AS octets FROM %s AS t WHERE %s", r.bytes, r.SQL, r.brings(since, also))
	if r.told.table != "" {
		size = fmt.Sprintf("ifnull((SELECT %s), 0) + ifnull((SELECT sum(%s) FROM %s), 0) AS octets", size, r.toldBytes(r.bytes), r.fromTold(since, also))
	}
	return grants.In("SELECT "+size, 2)
}

// migrated is the condition of a live row that a client needs after a migration, or
// "": a row of an added table, or one whose added column differs from the value that
// the client filled in. docs/protocol.md, P6.
func (r *tableReading) migrated(schema *record.Schema, m *record.Migration) string {
	if m.Tables[r.index] {
		return "t.deleted = 0"
	}
	var list []string
	for c, added := range m.Columns[r.index] {
		if col := schema.Tables[r.index].Columns[c]; added {
			list = append(list, fmt.Sprintf("t.%s IS NOT %s", col.SQL, store.Literal(col.Fill())))
		}
	}
	if list == nil {
		return ""
	}
	return strings.ReplaceAll(r.gained, "$columns", store.Balanced(" OR ", list))
}
