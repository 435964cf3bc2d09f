package records

import (
	"fmt"
	"strings"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// What a pushed row comes to. It is written beside the row, for RETURNING sees
// nothing else; a row that is the same is not touched.
const (
	isNew        = 0 // it is stored
	isWin        = 1 // it is stored over an older version
	isSame       = 2 // it is stored already
	isLost       = 3 // a greater version, or a tombstone, stays
	isTold       = 4 // it is stored already, with another updated_at than it claims
	andRestamped = 2 // added to the last two: the stored row got a new stamp
)

// writing are the statements that push to one table. Their parameters are ?1
// rows or ids (see watermelon.TableWrite), ?2 lastPulledAt, ?3 now in milliseconds.
type writing struct {
	plain     string // see plainWrite
	write     string // → a row for each pushed row that was not the same: see outcome
	bury      string
	changed   string // whether the table has rows that are newer than the clock
	conflicts string // → ids in rows that changed since lastPulledAt
	buried    string // → ids to delete that changed since lastPulledAt
	oversized string // → ids of rows that would become too large
}

// push is what all statements of a push agree on: base is its lastPulledAt as
// far as this database gave it, next the stamp of all it changes, latest the
// greatest updated_at that is believed. The clock moves at the very end.
var push = fmt.Sprintf(`push AS MATERIALIZED (
  SELECT min(CAST(?2 AS INTEGER), stamp) AS base, max(stamp + 1, CAST(?3 AS INTEGER)) AS next,
    CAST(?3 AS INTEGER) + %d AS latest
  FROM Clock)`, record.ToleranceMillis)

const (
	base   = "(SELECT base FROM push)"
	next   = "(SELECT next FROM push)"
	latest = "(SELECT latest FROM push)"
)

func newWriting(t *record.Table) writing {
	c := newCame(t)
	ids := `(SELECT j.value FROM json_each(?1) AS j)`
	changed := func(ids, which string) string {
		return fmt.Sprintf(`WITH %s SELECT json_group_array(t.%s) AS ids FROM %s AS t WHERE t.%s IN %s AND t.stamp > %s%s`,
			push, t.ID, t.SQL, t.ID, ids, base, which)
	}
	return writing{
		plain: plainWrite(t),
		write: c.write(),
		oversized: c.judged(c.size()) + fmt.Sprintf(`
SELECT json_group_array(id) AS ids FROM judged WHERE size > %d`, watermelon.MaxRowBytes),
		bury: fmt.Sprintf(`WITH %s
INSERT INTO %s (%s, deleted, stamp) SELECT j.value, 1, %s FROM json_each(?1) AS j WHERE true
ON CONFLICT (%s) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`, push, t.SQL, t.ID, next, t.ID),
		changed:   fmt.Sprintf("EXISTS (SELECT 1 FROM %s AS t WHERE t.stamp > Clock.stamp)", t.SQL),
		conflicts: changed(`(SELECT j.value ->> 0 FROM json_each(?1) AS j)`, ""),
		buried:    changed(ids, " AND t.deleted = 0"),
	}
}

// came is how a statement reads the rows that came, c, and what is stored of
// them, t.
type came struct {
	*record.Table
	list   string   // the columns of c
	values []string // the declared columns, as they came
}

func newCame(t *record.Table) came {
	c := came{Table: t, list: "j.value ->> 3 AS created_at"}
	for i := range t.Columns {
		c.list += fmt.Sprintf(", %s AS v%d", jsonCell("j.value", t, i), i)
		c.values = append(c.values, fmt.Sprintf("c.v%d", i))
	}
	return c
}

func jsonCell(row string, t *record.Table, i int) string {
	cell := fmt.Sprintf("%s ->> %d", row, i+4)
	if t.Columns[i].Type == record.Number {
		cell = "(" + cell + ") + 0.0"
	}
	return cell
}

// merged are the declared columns of the row that c makes of t.
func (c *came) merged() (list []string) {
	for i, col := range c.Columns {
		list = append(list, fmt.Sprintf("CASE WHEN c.mask & %d THEN %s ELSE t.%s END", 1<<i, c.values[i], col.SQL))
	}
	return list
}

func (c *came) stored() (list []string) {
	for _, col := range c.Columns {
		list = append(list, "t."+col.SQL)
	}
	return list
}

// compare is whether the row that c makes of t is, by its content, < or > t.
func (c *came) compare(operator string) string {
	return fmt.Sprintf("(SELECT (%s, CASE WHEN c.mask & %d THEN c.created_at ELSE t.created_at END) %s (%s, t.created_at) FROM %s AS t WHERE t.rowid = c.at)",
		store.JSONArray(c.merged()), 1<<len(c.Columns), operator, store.JSONArray(c.stored()), c.SQL)
}

// size is the column size: that of a stored row of which only a part came.
func (c *came) size() string {
	full := 1<<(len(c.Columns)+1) - 1
	return fmt.Sprintf(", CASE WHEN c.mask <> %d THEN (SELECT octet_length(%s) FROM %s AS t WHERE t.rowid = c.at) END AS size",
		full, store.JSONArray(c.merged()), c.SQL)
}

// judged begins a statement with the table judged: the rows that came, where
// they are stored, and what each comes to. A row that its author changed after having
// seen what is stored is no conflict, and wins whatever the clocks say: WatermelonDB
// leaves a row that it merged its old updated_at. Else the rule is record.Compare and
// record.Claim. What is the same loses to nothing.
func (c *came) judged(extra string) string {
	return fmt.Sprintf(`WITH %s,
came AS MATERIALIZED (
  SELECT j.value ->> 0 AS id, j.value ->> 1 AS mask, j.value ->> 2 AS claimed, %s FROM json_each(?1) AS j),
counted AS (
  SELECT c.*, t.rowid AS at, t.deleted AS dead, t.stamp AS was, t.updated_at AS written, CASE
    WHEN c.claimed <= %s AND c.claimed > ifnull(t.ahead, 0) THEN c.claimed
    ELSE min(ifnull(c.claimed, %s + %d), %[4]s + %[5]d) END AS counts
  FROM came AS c LEFT JOIN %[6]s AS t ON t.%[7]s = c.id),
judged AS MATERIALIZED (
  SELECT c.*%[8]s, CASE
    WHEN c.at IS NULL THEN %[9]d
    WHEN c.dead THEN %[10]d
    WHEN c.counts > c.written THEN %[11]d
    WHEN c.was <= %[4]s AND %[12]s THEN %[11]d
    WHEN c.counts = c.written AND %[13]s THEN %[11]d
    WHEN %[12]s THEN %[10]d
    WHEN c.claimed IS NOT c.written THEN %[14]d
    ELSE %[15]d END AS verdict
  FROM counted AS c)`,
		push, c.list, latest, base, record.ToleranceMillis, c.SQL, c.ID, extra,
		isNew, isLost, isWin, c.compare("<>"), c.compare(">"), isTold, isSame)
}

// write stores what won, re-stamps what beat an incoming row that its pusher
// had seen (its next pull must bring it), and remembers claims from the future.
// What wins over a row that its author had seen gets a later updated_at, so that the push
// of that row, should it come again, does not win it back.
func (c *came) write() string {
	counts := fmt.Sprintf("CASE WHEN c.was <= %s THEN max(c.counts, c.written + 1) ELSE c.counts END", base)
	columns := []string{c.ID}
	values := []string{"c.id"}
	for i, col := range c.Columns {
		stored := "t." + col.SQL
		if col.Default != nil {
			stored = fmt.Sprintf("CASE WHEN t.%s IS NULL THEN %s ELSE %s END", c.ID, store.Literal(col.Default), stored)
		}
		columns = append(columns, col.SQL)
		values = append(values, fmt.Sprintf("CASE WHEN c.verdict < %d AND c.mask & %d THEN %s ELSE %s END", isSame, 1<<i, c.values[i], stored))
	}
	columns = append(columns, "created_at", "updated_at", "deleted", "stamp", "ahead", "outcome")
	values = append(values,
		fmt.Sprintf("CASE WHEN c.verdict < %d AND c.mask & %d THEN c.created_at ELSE ifnull(t.created_at, 0) END", isSame, 1<<len(c.Columns)),
		fmt.Sprintf("CASE WHEN c.verdict < %d THEN %s ELSE t.updated_at END", isSame, counts),
		"ifnull(t.deleted, 0)",
		fmt.Sprintf("CASE WHEN c.verdict < %d OR t.stamp <= %s THEN %s ELSE t.stamp END", isSame, base, next),
		fmt.Sprintf("CASE WHEN c.claimed > %s THEN max(c.claimed, ifnull(t.ahead, 0)) ELSE t.ahead END", latest),
		fmt.Sprintf("CASE WHEN c.verdict > %d AND t.stamp <= %s THEN c.verdict + %d ELSE c.verdict END", isSame, base, andRestamped))
	var set []string
	for _, name := range columns[1:] {
		set = append(set, name+" = excluded."+name)
	}
	return c.judged("") + fmt.Sprintf(`
INSERT INTO %[1]s (%[2]s)
SELECT %[3]s
FROM judged AS c LEFT JOIN %[1]s AS t ON t.rowid = c.at
WHERE c.verdict <> %[5]d AND (c.verdict <> %[9]d OR t.stamp <= %[6]s OR t.deleted = 0 AND c.claimed > max(%[7]s, ifnull(t.ahead, 0)))
ON CONFLICT (%[4]s) DO UPDATE SET %[8]s
RETURNING %[10]s AS outcome`,
		c.SQL, strings.Join(columns, ", "), strings.Join(values, ",\n  "), c.ID, isSame, base, latest, strings.Join(set, ", "), isTold, c.outcome())
}

// outcome is, of a row that was written, the number of what it came to, before
// its id if it did not win. It ends the batch if the row became too large,
// which takes at least a sixth of the limit in the row's texts.
func (c *came) outcome() string {
	octets := []string{"octet_length(" + c.ID + ")"}
	var columns []string
	for _, col := range c.Columns {
		columns = append(columns, col.SQL)
		if col.Type == record.String {
			octets = append(octets, "ifnull(octet_length("+col.SQL+"), 0)")
		}
	}
	return fmt.Sprintf("CASE WHEN %s > %d AND octet_length(%s) > %d THEN json('too large: ' || %s) WHEN outcome < %d THEN outcome ELSE outcome || %[5]s END",
		store.Balanced(" + ", octets), watermelon.MaxRowBytes/6-10_000, store.JSONArray(columns), watermelon.MaxRowBytes, c.ID, isSame)
}
