// Package inspect has the statements by which an operator reads rows, whoever may read them. Package records
// runs them. They are made when they are asked for, as they are rare: at boot they cost nothing.
package inspect

import (
	"cmp"
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// A Table is one table, and pieces of SQL about its row t.
type Table struct {
	*record.Table
	Row    string // the row as JSON
	Octets string // about how many octets Row has
	Reads  string // the condition that the caller may read the row; "": every caller may
	Writes string // the condition that the rule write lets the caller write the row
}

// Bounds bound one page.
type Bounds struct {
	Rows   int // that the statement looks at
	Octets int // about how many octets these rows have
	Text   int // about how many octets the rows of the page have, but for the last one
}

// Standard are the bounds of a server. The JSON of a row may have six times as many octets as the row.
var Standard = Bounds{Rows: 10_000, Octets: 32 << 20, Text: 256 << 10}

// escapedTimes is how much longer than a text its JSON can be.
const escapedTimes = 6

// Most is how many octets the rows of a page have at most, as JSON.
func (b Bounds) Most() int { return escapedTimes*b.Text + record.MaxRowBytes }

// A query is a statement with its parameters.
type query struct{ args []any }

// arg adds a parameter, and returns its name.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprint("?", len(q.args))
}

// Page returns the statement of a page. given are the grants of the caller in l.As.
//
// The statement looks at rows in their order, and ends with the first row that is not of the page, if there is
// one: the next page begins there. That row has no JSON. Of the rows beyond the bounds the statement reads neither the
// values that the filter compares nor the JSON: a value may be long.
func (t *Table) Page(l *record.Listing, b Bounds, given abi.Text) abi.Statement {
	q := &query{}
	limit := fmt.Sprintf("CAST(%s AS INTEGER)", q.arg(l.Limit))
	place, order := t.place(q, l)
	as := ""
	if l.As != nil {
		as = fmt.Sprintf(", (%s) IS TRUE AS reads, (%s) IS TRUE AS writes, %s AS compared", cmp.Or(t.Reads, "true"), t.Writes, t.compared())
	}
	const window = "WINDOW sofar AS (ROWS UNBOUNDED PRECEDING)"
	sql := fmt.Sprintf(`SELECT w.id, w.stamp, w.dead, CASE WHEN w.seen AND w.k <= %[1]s AND w.text < %[2]d THEN %[3]s END AS line%[4]s FROM (
SELECT *, row_number() OVER sofar AS k, sum(octets) OVER sofar - octets AS text FROM (
SELECT v.*, v.n <= %[5]d AND v.before < %[6]d AS seen FROM (
SELECT *, row_number() OVER sofar AS n, sum(octets) OVER sofar - octets AS before FROM (
SELECT t.rowid AS at, t.%[7]s AS id, t.stamp AS stamp, t.deleted AS dead, %[8]s AS octets FROM %[10]s AS t
WHERE %[11]s ORDER BY %[12]s LIMIT %[5]d + 1) %[13]s) AS v CROSS JOIN %[10]s AS t ON t.rowid = v.at
WHERE CASE WHEN v.n <= %[5]d AND v.before < %[6]d THEN %[9]s ELSE true END LIMIT %[1]s + 1) %[13]s) AS w CROSS JOIN %[10]s AS t ON t.rowid = w.at ORDER BY w.n`,
		limit, b.Text, t.Row, as, b.Rows, b.Octets, t.ID, t.Octets, t.hit(q, l), t.SQL, place, order, window)
	if strings.Contains(sql, grants.Param) {
		sql = grants.In(sql, len(q.args)+1)
		q.arg(given)
	}
	return abi.Statement{SQL: sql, Args: q.args}
}

// place returns the condition of the rows from the place on, and their order.
func (t *Table) place(q *query, l *record.Listing) (place, order string) {
	id := "t." + t.ID
	place, order = "true", id
	if l.Newest {
		order = "t.stamp DESC, " + id + " DESC"
	}
	switch {
	case l.From == nil:
	case l.Newest:
		place = fmt.Sprintf("(t.stamp, %s) <= (CAST(%s AS INTEGER), %s)", id, q.arg(int64(l.From.Stamp)), q.arg(l.From.ID))
	default:
		place = id + " >= " + q.arg(l.From.ID)
	}
	if f := &l.Filter; f.Column == "id" && f.Is == record.Equal {
		place += fmt.Sprintf(" AND %s = %s", id, q.arg(f.Value)) // which an index finds at once
	}
	return place, order
}

// hit is the condition of the rows of the page.
func (t *Table) hit(q *query, l *record.Listing) string {
	hit := "true"
	switch l.Deleted {
	case record.WithoutDeleted:
		hit = "t.deleted = 0"
	case record.OnlyDeleted:
		hit = "t.deleted <> 0"
	}
	f := &l.Filter
	if f.Is == record.Anything {
		return hit
	}
	value, given := t.value(f.Column), ""
	if truth, ok := f.Value.(bool); ok {
		given = store.Literal(truth)
	} else if f.Is != record.Null {
		given = q.arg(f.Value)
	}
	condition := ""
	switch f.Is {
	case record.Equal:
		condition = value + " = " + given
	case record.Less:
		condition = value + " < " + given
	case record.Greater:
		condition = value + " > " + given
	case record.Contains:
		condition = fmt.Sprintf("instr(%s, %s) > 0", value, given)
	case record.Starts:
		condition = fmt.Sprintf("substr(%s, 1, length(%s)) = %[2]s", value, given)
	default:
		condition = value + " IS NULL"
	}
	return "(" + hit + " AND " + condition + ")"
}

// value is t's column as the row's JSON has it, but for a boolean, which is 1 or 0.
func (t *Table) value(name string) string {
	switch name {
	case "id":
		return "t." + t.ID
	case record.CreatedAt, record.UpdatedAt, record.StampColumn:
		return "t." + name
	}
	c := &t.Columns[t.Column(name)]
	if value := "t." + c.SQL; c.Nullable || c.Default == nil {
		return value
	}
	return "ifnull(t." + c.SQL + ", " + store.Literal(c.Default) + ")"
}

// compared are the stored values that the rules compare, as a JSON array.
func (t *Table) compared() string {
	var list []string
	for _, name := range t.RuleColumns() {
		list = append(list, "t."+t.Columns[t.Column(name)].SQL)
	}
	return store.JSONArray(list)
}

// Listed returns the page of a result of Page.
func Listed(r abi.Result) (page record.Listed) {
	for _, cells := range r.Rows {
		row := record.ListedRow{
			ID: store.CellString(cells[0]), Stamp: record.Stamp(store.Integer(cells[1])),
			State: record.Live + record.State(store.Integer(cells[2])), Row: store.CellText(cells[3]),
		}
		if row.Row == nil {
			page.Next = &record.Place{Stamp: row.Stamp, ID: row.ID}
			break
		}
		if len(cells) > 4 {
			row.Reads, row.Writes, row.Values = store.Integer(cells[4]) != 0, store.Integer(cells[5]) != 0, store.CellText(cells[6])
		}
		page.Rows = append(page.Rows, row)
	}
	return page
}

// Count returns the statement that counts the rows and the tombstones of tables: a row for each table, with its number
// first. It reads an index of each table, not the rows.
func Count(tables []record.Table) abi.Statement {
	var list []string
	for i, t := range tables {
		list = append(list, fmt.Sprintf("SELECT %d AS tab, (SELECT count(*) FROM %s) AS total, (SELECT count(*) FROM %[2]s AS t WHERE t.deleted = 1) AS dead", i, t.SQL))
	}
	return abi.Statement{SQL: store.UnionAll(list)}
}

// Counted returns what Count counted.
func Counted(r abi.Result, tables int) []record.TableCensus {
	list := make([]record.TableCensus, tables)
	for _, cells := range r.Rows {
		total, dead := int(store.Integer(cells[1])), int(store.Integer(cells[2]))
		list[store.Integer(cells[0])] = record.TableCensus{Rows: total - dead, Tombstones: dead}
	}
	return list
}

// The bounds of the verdicts of one row.
const (
	mostVerdicts = 100   // the newest
	mostOld      = 4_000 // octets of the values of a withdrawn row
)

// Verdicts returns the statement that reads what the server keeps about a row for its subjects.
func (t *Table) Verdicts(id string) abi.Statement {
	return abi.Statement{
		SQL: fmt.Sprintf(`SELECT f.who, iif(octet_length(f.old) > %d, '{', f.old) AS old, f.stamp FROM Told AS f
WHERE f.tab = %s AND f.id = ?1 ORDER BY f.stamp DESC, f.who, f.old LIMIT %d`, mostOld, store.Literal(t.SQL), mostVerdicts),
		Args: []any{id},
	}
}

// VerdictsOf returns the verdicts of a result of Verdicts. Table Told says what its columns mean.
func VerdictsOf(r abi.Result) (list []record.Verdict) {
	for _, cells := range r.Rows {
		v := record.Verdict{Subject: store.CellString(cells[0]), Stamp: record.Stamp(store.Integer(cells[2]))}
		switch old := store.CellString(cells[1]); {
		case old == "again:-":
			v.Kind = record.RejectedDelete
		case strings.HasPrefix(old, "again:"):
			v.Kind = record.RejectedRow
		case strings.HasPrefix(old, "{"):
			v.Kind = record.Withdrawn
			if old != "{" {
				v.Old = []byte(old)
			}
		}
		list = append(list, v)
	}
	return list
}
