package records

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// The verdict on an incoming row. It is written beside the row, because RETURNING
// sees nothing else. A row that is the same is not written.
const (
	isNew        = 0 // the row is stored
	isWin        = 1 // the row is stored over an older version
	isSame       = 2 // the row was stored already
	isLost       = 3 // a greater version, or a tombstone, stays
	isRetimed    = 4 // the row was stored already, with another updated_at than it claims
	andRestamped = 2 // added to the last two: the stored row got a new stamp
)

// A tableWriting is the statements that write to one table. Their parameters are
// ?1 rows or ids (see record.TableBatch), ?2 the base, ?3 now in milliseconds, and if the table
// is guarded ?4 the grants of the caller.
type tableWriting struct {
	*record.Table
	guarded   bool
	simple    string // see simpleWrite
	write     string // returns an outcome for each incoming row that was not the same
	bury      string
	changed   string // whether the table has rows that are newer than the clock
	conflicts string // returns ids of rows that changed after the base
	buried    string // returns ids to delete whose rows changed after the base
	oversized string // returns ids of rows that would become too large

	// Of a guarded table:
	refused   string // returns the rows that are refused: see guard.refused
	tellRows  string
	keptIDs   string // returns the ids whose deletion is refused
	tellIDs   string
	tellEvery string // tells the caller of every id
}

// All statements of a batch agree on its base, as far as this database gave it, on the latest
// updated_at that the server believes, and on rules.stampOfBatch. The clock moves at the very end.
// These are no common table, because SQLite copies one for each use: RATIONALE.md has what that costs.
const base = "(SELECT min(CAST(?2 AS INTEGER), Clock.stamp) FROM Clock)"

var latest = fmt.Sprintf("(CAST(?3 AS INTEGER) + %d)", record.ToleranceMillis)

// stampOfBatch is the stamp of all that a batch changes.
func (r *rules) stampOfBatch() string {
	return "(SELECT max(" + r.next + ", CAST(?3 AS INTEGER)) FROM Clock)"
}

func newTableWriting(t *record.Table, plan *grants.Plan, r *rules) tableWriting {
	c := newComparison(t, r)
	if t.Guarded() {
		return newGuardedWriting(newGuard(&c, plan))
	}
	changed := func(id, which string) string { // it has ?3, as the other statements do
		return fmt.Sprintf(`SELECT json_group_array(t.%s) AS ids FROM %s AS t WHERE t.%[1]s IN (SELECT %[3]s FROM json_each(?1) AS j) AND t.stamp > %[4]s AND ?3 IS NOT NULL%[5]s`,
			t.ID, t.SQL, id, base, which)
	}
	return tableWriting{
		Table:  t,
		simple: simpleWrite(t, r, "true", ""),
		write:  c.write(),
		oversized: c.judged(c.size()) + fmt.Sprintf(`
SELECT json_group_array(id) AS ids FROM judged WHERE size > %d`, record.MaxRowBytes),
		bury: fmt.Sprintf(`INSERT INTO %s (%s, deleted, stamp) SELECT j.value, 1, %s FROM json_each(?1) AS j WHERE %s
ON CONFLICT (%[2]s) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`, t.SQL, t.ID, r.stampOfBatch(), c.name(r.buries)),
		changed:   changedSince(t),
		conflicts: changed(`j.value ->> 0`, ""),
		buried:    changed(`j.value`, " AND t.deleted = 0"),
	}
}

// changedSince says whether the table has rows that are newer than the clock.
func changedSince(t *record.Table) string {
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s AS t WHERE t.stamp > Clock.stamp)", t.SQL)
}

// A comparison is how a statement compares incoming rows, c, with the stored ones, t.
type comparison struct {
	*record.Table
	*rules
	list   string   // the columns of c
	values []string // the declared columns of c
	// refusal is why a row is refused, see guard.why; "": the table is not guarded.
	refusal string
}

func newComparison(t *record.Table, r *rules) comparison {
	c := comparison{Table: t, rules: r, list: "j.value ->> 3 AS created_at"}
	for i := range t.Columns {
		c.list += fmt.Sprintf(", %s AS v%d", jsonCell("j.value", t, i), i)
		c.values = append(c.values, fmt.Sprintf("c.v%d", i))
	}
	if t.Guarded() {
		c.list += fmt.Sprintf(", j.value ->> %d AS pushed", len(t.Columns)+4)
	}
	return c
}

// jsonCell is the i-th declared column of a row of record.TableBatch.
func jsonCell(row string, t *record.Table, i int) string {
	cell := fmt.Sprintf("%s ->> %d", row, i+4)
	if t.Columns[i].Type == record.Number {
		cell = "(" + cell + ") + 0.0"
	}
	return cell
}

// name puts the names of the table into a rule.
func (c *comparison) name(rule string) string {
	return strings.NewReplacer("$table", c.SQL, "$id", c.ID).Replace(rule)
}

// has says whether the incoming row brings a column: the n-th declared one, or
// created_at, which is the next.
func (c *comparison) has(n int) string {
	return strings.ReplaceAll(c.brings, "$bit", strconv.FormatInt(1<<n, 10))
}

// merged are the declared columns of the stored row as c changes it.
func (c *comparison) merged() (list []string) {
	for i, col := range c.Columns {
		list = append(list, fmt.Sprintf("CASE WHEN %s THEN %s ELSE t.%s END", c.has(i), c.values[i], col.SQL))
	}
	return list
}

func (c *comparison) stored() (list []string) {
	for _, col := range c.Columns {
		list = append(list, "t."+col.SQL)
	}
	return list
}

// compare says whether the stored row as c changes it is, by its contents, <, > or
// <> the stored row.
func (c *comparison) compare(operator string) string {
	return fmt.Sprintf("(SELECT (%s, CASE WHEN %s THEN c.created_at ELSE t.created_at END) %s (%s, t.created_at) FROM %s AS t WHERE t.rowid = c.at)",
		store.JSONArray(c.merged()), c.has(len(c.Columns)), operator, store.JSONArray(c.stored()), c.SQL)
}

// size is the column size: how large a stored row would become of which only a part
// is incoming.
func (c *comparison) size() string {
	full := 1<<(len(c.Columns)+1) - 1
	return fmt.Sprintf(", CASE WHEN c.mask <> %d THEN (SELECT octet_length(%s) FROM %s AS t WHERE t.rowid = c.at) END AS size",
		full, store.JSONArray(c.merged()), c.SQL)
}

// judged begins a statement with the table judged: the incoming rows, where they
// are stored, and the verdict on each. The conflict rule runs here, as SQL, because
// a write is one batch. record.Claim and record.Compare are the model: the
// simulation compares this SQL with them. Two verdicts are not theirs. A row that is
// the same loses to nothing. A row whose writer had seen the stored one wins,
// whatever the clocks say: WatermelonDB leaves a row that it merged its old
// updated_at.
func (c *comparison) judged(extra string) string {
	differs, from := c.compare("<>"), ""
	if c.refusal != "" {
		extra += ", " + c.refusal + " AS refused"
		from = fmt.Sprintf(" LEFT JOIN %s AS t ON t.rowid = c.at", c.SQL)
	}
	return fmt.Sprintf(`WITH incoming AS MATERIALIZED (
  SELECT j.value ->> 0 AS id, j.value ->> 1 AS mask, j.value ->> 2 AS claimed, %s FROM jsonb_each(?1) AS j),
timed AS (
  SELECT c.*, t.rowid AS at, t.deleted AS dead, t.stamp AS stored_stamp, t.updated_at AS stored_time, CASE
    WHEN c.claimed <= %s AND %s THEN c.claimed
    ELSE min(ifnull(c.claimed, %[2]s + %[4]d), %[5]s + %[4]d) END AS effective
  FROM incoming AS c LEFT JOIN %[6]s AS t ON t.%[7]s = c.id),
judged AS MATERIALIZED (
  SELECT c.*%[8]s, CASE
    WHEN c.at IS NULL THEN %[9]d
    WHEN %[10]s THEN %[11]d
    WHEN c.effective > c.stored_time THEN %[12]d
    WHEN %[13]s AND %[14]s THEN %[12]d
    WHEN %[15]s AND %[16]s THEN %[12]d
    WHEN %[17]s THEN %[11]d
    WHEN c.claimed IS NOT c.stored_time THEN %[18]d
    ELSE %[19]d END AS verdict
  FROM timed AS c%[20]s)`,
		c.list, latest, c.believed, record.ToleranceMillis, base, c.SQL, c.ID, extra,
		isNew, c.dead, isLost, isWin, c.successor, differs, c.equalTimes, c.compare(">"),
		strings.ReplaceAll(c.loses, "$differs", differs), isRetimed, isSame, from)
}

// write stores the winners. It gives a stored row that won over a row whose writer
// had seen it a new stamp, so that the writer's next pull brings it, and it
// remembers claims from the future. A winner over a row that its writer had seen
// gets a later updated_at, so that an earlier batch does not win when it is repeated.
func (c *comparison) write() string {
	effective := fmt.Sprintf("CASE WHEN c.stored_stamp <= %s THEN %s ELSE c.effective END", base, c.later)
	columns := []string{c.ID}
	values := []string{"c.id"}
	for i, col := range c.Columns {
		stored := "t." + col.SQL
		if absent := col.Absent(); absent != nil {
			stored = fmt.Sprintf("CASE WHEN t.%s IS NULL THEN %s ELSE %s END", c.ID, store.Literal(absent), stored)
		}
		columns = append(columns, col.SQL)
		values = append(values, fmt.Sprintf("CASE WHEN c.verdict < %d AND %s THEN %s ELSE %s END", isSame, c.has(i), c.values[i], stored))
	}
	columns = append(columns, "created_at", "updated_at", "deleted", "stamp", "ahead", "outcome")
	values = append(values,
		fmt.Sprintf("CASE WHEN c.verdict < %d AND %s THEN c.created_at ELSE ifnull(t.created_at, 0) END", isSame, c.has(len(c.Columns))),
		fmt.Sprintf("CASE WHEN c.verdict < %d THEN %s ELSE t.updated_at END", isSame, effective),
		c.keepDead,
		fmt.Sprintf("CASE WHEN c.verdict < %d OR %s THEN %s ELSE t.stamp END", isSame, c.restamped, strings.ReplaceAll(c.winnerStamp, "$next", c.stampOfBatch())),
		fmt.Sprintf("CASE WHEN c.claimed > %s THEN max(c.claimed, ifnull(t.ahead, 0)) ELSE t.ahead END", latest),
		fmt.Sprintf("CASE WHEN c.verdict > %d AND %s THEN c.verdict + %d ELSE c.verdict END", isSame, c.restamped, andRestamped))
	var set []string
	for _, name := range columns[1:] {
		set = append(set, name+" = excluded."+name)
	}
	passed := ""
	if c.refusal != "" {
		passed = "c.refused = 0 AND "
	}
	return c.judged("") + fmt.Sprintf(`
INSERT INTO %[1]s (%[2]s)
SELECT %[3]s
FROM judged AS c LEFT JOIN %[1]s AS t ON t.rowid = c.at
WHERE %[11]sc.verdict <> %[5]d AND (c.verdict <> %[9]d OR %[6]s OR t.deleted = 0 AND c.claimed > max(%[7]s, ifnull(t.ahead, 0)))
ON CONFLICT (%[4]s) DO UPDATE SET %[8]s
RETURNING %[10]s AS outcome`,
		c.SQL, strings.Join(columns, ", "), strings.Join(values, ",\n  "), c.ID, isSame, c.restamped, latest, strings.Join(set, ", "), isRetimed, c.outcome(), passed)
}

// outcome is the verdict on a written row: a number, or "number+id" if the row lost.
// It aborts the batch if the row became too large, which takes at least a sixth of
// the limit in the row's texts.
func (c *comparison) outcome() string {
	octets := []string{"octet_length(" + c.ID + ")"}
	var columns []string
	for _, col := range c.Columns {
		columns = append(columns, col.SQL)
		if col.Type == record.String {
			octets = append(octets, "ifnull(octet_length("+col.SQL+"), 0)")
		}
	}
	return fmt.Sprintf("CASE WHEN %s > %d AND octet_length(%s) > %d THEN json('too large: ' || %s) WHEN outcome < %d THEN outcome ELSE outcome || %[5]s END",
		store.Balanced(" + ", octets), record.MaxRowBytes/6-10_000, store.JSONArray(columns), record.MaxRowBytes, c.ID, isSame)
}
