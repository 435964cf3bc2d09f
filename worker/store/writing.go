package store

import (
	"fmt"
	"strconv"
	"strings"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// Limits of D1 that the statements are built around.
const (
	functionArgs  = 32
	compoundTerms = 5
)

// What a pushed row comes to.
const (
	isNew  = 0 // it is stored
	isWin  = 1 // it is stored over an older version
	isSame = 2 // it is stored already
	isLost = 3 // a greater version, or a tombstone, stays
	isTold = 4 // it is stored already, with another updated_at than it claims
)

// Writing are the statements that push to one table. Their parameters are ?1
// rows or ids (see watermelon.TableWrite), ?2 lastPulledAt, ?3 now in milliseconds.
type writing struct {
	judge     string // → created, updated, re-stamped, ids that lost
	write     string
	bury      string
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
	came := columnsThatCame(t)
	ids := `(SELECT j.value FROM json_each(?1) AS j)`
	changed := func(ids, which string) string {
		return fmt.Sprintf(`WITH %s SELECT json_group_array(t.%s) AS ids FROM %s AS t WHERE t.%s IN %s AND t.stamp > %s%s`,
			push, t.ID, t.SQL, t.ID, ids, base, which)
	}
	size := came.size()
	return writing{
		judge: came.judged(size) + fmt.Sprintf(`
SELECT count(*) FILTER (WHERE verdict = %d), count(*) FILTER (WHERE verdict = %d),
  count(*) FILTER (WHERE verdict > %d AND was <= %s),
  json_group_array(id) FILTER (WHERE verdict = %d),
  CASE WHEN max(size) > %d THEN json('too large: ' || max(size)) END
FROM judged`, isNew, isWin, isSame, base, isLost, watermelon.MaxRowBytes),
		oversized: came.judged(size) + fmt.Sprintf(`
SELECT json_group_array(id) FROM judged WHERE size > %d`, watermelon.MaxRowBytes),
		write: came.write(),
		bury: fmt.Sprintf(`WITH %s
INSERT INTO %s (%s, deleted, stamp) SELECT j.value, 1, %s FROM json_each(?1) AS j WHERE true
ON CONFLICT (%s) DO UPDATE SET deleted = 1, stamp = excluded.stamp WHERE deleted = 0`, push, t.SQL, t.ID, next, t.ID),
		conflicts: changed(`(SELECT j.value ->> 0 FROM json_each(?1) AS j)`, ""),
		buried:    changed(ids, " AND t.deleted = 0"),
	}
}

// Came is how the columns of a pushed row are read: those that it brings from
// the row c, the others from what is stored, t.
type came struct {
	*record.Table
	list   []string // the columns of the row as it came, AS v0, …
	merged []string // the declared columns of the merged row
}

func columnsThatCame(t *record.Table) came {
	c := came{Table: t}
	for i, col := range t.Columns {
		cast := ""
		if col.Type == record.Number {
			cast = " + 0.0"
		}
		c.list = append(c.list, fmt.Sprintf("j.value ->> %d%s AS v%d", i+4, cast, i))
		c.merged = append(c.merged, fmt.Sprintf("CASE WHEN c.mask & %d THEN c.v%d ELSE t.%s END", 1<<i, i, col.SQL))
	}
	return c
}

func (c *came) stored() []string {
	var list []string
	for _, col := range c.Columns {
		list = append(list, "t."+col.SQL)
	}
	return list
}

func (c *came) createdAt() string {
	return fmt.Sprintf("CASE WHEN c.mask & %d THEN c.created_at ELSE t.created_at END", 1<<len(c.Columns))
}

// size is the column size: that of a row of which only a part came.
func (c *came) size() string {
	full := 1<<(len(c.Columns)+1) - 1
	return fmt.Sprintf(", CASE WHEN c.mask <> %d THEN octet_length(%s) END AS size", full, jsonArray(c.merged))
}

// judged begins a statement with the table judged: the rows that came, and
// what each comes to. The rule is record.Compare and record.Claim.
func (c *came) judged(extra string) string {
	incoming, stored := jsonArray(c.merged), jsonArray(c.stored())
	return fmt.Sprintf(`WITH %s,
came AS MATERIALIZED (
  SELECT %s FROM json_each(?1) AS j),
counted AS (
  SELECT c.*, CASE WHEN c.claimed <= %s AND c.claimed > ifnull(t.ahead, 0) THEN c.claimed
    ELSE min(ifnull(c.claimed, %s + %d), %[4]s + %[5]d) END AS counts
  FROM came AS c LEFT JOIN %[6]s AS t ON t.%[7]s = c.id),
judged AS MATERIALIZED (
  SELECT c.*, t.stamp AS was%[8]s, CASE
    WHEN t.%[7]s IS NULL THEN %[9]d
    WHEN t.deleted THEN %[10]d
    WHEN c.counts > t.updated_at THEN %[11]d
    WHEN c.counts < t.updated_at THEN %[10]d
    WHEN (%[12]s, %[13]s) > (%[14]s, t.created_at) THEN %[11]d
    WHEN (%[12]s, %[13]s) < (%[14]s, t.created_at) THEN %[10]d
    WHEN c.claimed IS NOT c.counts THEN %[15]d
    ELSE %[16]d END AS verdict
  FROM counted AS c LEFT JOIN %[6]s AS t ON t.%[7]s = c.id)`,
		push, strings.Join(append([]string{
			"j.value ->> 0 AS id", "j.value ->> 1 AS mask", "j.value ->> 2 AS claimed", "j.value ->> 3 AS created_at",
		}, c.list...), ", "),
		latest, base, record.ToleranceMillis, c.SQL, c.ID, extra,
		isNew, isLost, isWin, incoming, c.createdAt(), stored, isTold, isSame)
}

// write stores what won, re-stamps what beat an incoming row that its pusher
// had seen (its next pull must bring it), and remembers claims from the future.
func (c *came) write() string {
	columns := []string{c.ID}
	values := []string{"c.id"}
	for i, col := range c.Columns {
		stored := "t." + col.SQL
		if col.Default != nil {
			stored = fmt.Sprintf("CASE WHEN t.%s IS NULL THEN %s ELSE %s END", c.ID, columnDefault(col.Default), stored)
		}
		columns = append(columns, col.SQL)
		values = append(values, fmt.Sprintf("CASE WHEN c.verdict < %d AND c.mask & %d THEN c.v%d ELSE %s END", isSame, 1<<i, i, stored))
	}
	columns = append(columns, "created_at", "updated_at", "deleted", "stamp", "ahead")
	values = append(values,
		fmt.Sprintf("CASE WHEN c.verdict < %d AND c.mask & %d THEN c.created_at ELSE ifnull(t.created_at, 0) END", isSame, 1<<len(c.Columns)),
		fmt.Sprintf("CASE WHEN c.verdict < %d THEN c.counts ELSE t.updated_at END", isSame),
		"ifnull(t.deleted, 0)",
		fmt.Sprintf("CASE WHEN c.verdict < %d OR t.stamp <= %s THEN %s ELSE t.stamp END", isSame, base, next),
		fmt.Sprintf("CASE WHEN c.claimed > %s THEN max(c.claimed, ifnull(t.ahead, 0)) ELSE t.ahead END", latest))
	var set []string
	for _, name := range columns[1:] {
		set = append(set, name+" = excluded."+name)
	}
	return c.judged("") + fmt.Sprintf(`
INSERT INTO %s (%s)
SELECT %s
FROM judged AS c LEFT JOIN %[1]s AS t ON t.%[4]s = c.id
WHERE c.verdict < %[5]d OR c.verdict > %[5]d AND (t.stamp <= %[6]s OR t.deleted = 0 AND c.claimed > max(%[7]s, ifnull(t.ahead, 0)))
ON CONFLICT (%[4]s) DO UPDATE SET %[8]s`,
		c.SQL, strings.Join(columns, ", "), strings.Join(values, ",\n  "), c.ID, isSame, base, latest, strings.Join(set, ", "))
}

// jsonArray is json_array of the expressions, however many.
func jsonArray(list []string) string {
	if len(list) <= functionArgs {
		return "json_array(" + strings.Join(list, ", ") + ")"
	}
	// Every array ends and begins with a scalar.
	return "rtrim(json_array(" + strings.Join(list[:functionArgs], ", ") + "), ']') || ',' || ltrim(" + jsonArray(list[functionArgs:]) + ", '[')"
}

// columnDefault writes a column's default into SQL.
func columnDefault(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return "NULL"
}
