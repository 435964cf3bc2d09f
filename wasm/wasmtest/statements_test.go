//go:build !js

package wasmtest

import (
	"strings"
	"testing"
)

func TestStatementsThatANewerSQLiteTakesOtherwiseAreRejected(t *testing.T) {
	const json = "(SELECT json_group_array(id) FROM t)"
	for _, sql := range []string{
		"SELECT json_object('a', " + json + ")",
		"SELECT json_object('a', json_object('b', " + json + "))",
		"SELECT json_array(1, iif(x, " + json + ", NULL))",
		"SELECT json_array(1, CASE WHEN x THEN " + json + " END)",
		"SELECT json_array((" + json + "))",
		"INSERT INTO u SELECT json_group_array((SELECT json_object('a', 1))) FROM t",
		"SELECT json_object('a', (WITH d AS (SELECT 1) SELECT json_array(1) FROM d))",
		"SELECT json_set(a, '$.b', /* not json( */ -- nor json(\n" + json + ")",
	} {
		if err := checkStatement(sql); err == nil || !strings.Contains(err.Error(), "scalar subquery") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		"SELECT json_object('a', json(" + json + "))",
		"SELECT json_object('a', json_array(1), 'b', (SELECT id FROM t))",
		"SELECT " + json + " <> '[]'",
		"SELECT json_object('a', EXISTS (SELECT json_array(1) FROM t))",
		"SELECT json_object('a', length(" + json + "))",
		"SELECT json_object('text', '(SELECT json_array(1))')",
		"SELECT (SELECT json_object('a', json_group_array(x)) FROM t)",
		"SELECT json_group_array(x) FROM (SELECT json_array(1) AS x)",
	} {
		if err := checkStatement(sql); err != nil {
			t.Error(err)
		}
	}
}

func TestUsesOfCommonTablesAreCountedAsSQLiteCopiesThem(t *testing.T) {
	uses := func(n int) string {
		return strings.TrimSuffix(strings.Repeat("SELECT * FROM b UNION ALL ", n), " UNION ALL ")
	}
	with := "WITH a(x) AS (SELECT 1), b AS MATERIALIZED (SELECT x FROM a, a AS a2) " // 3 for each use of b
	for _, c := range []struct {
		sql      string
		accepted bool
	}{
		{with + uses(33), true},
		{with + uses(34), false},
		{"WITH RECURSIVE b AS (SELECT 1 UNION ALL SELECT * FROM b) " + uses(49), true},
		{"WITH RECURSIVE b AS (SELECT 1 UNION ALL SELECT * FROM b) " + uses(50), false},
		{"WITH b AS (SELECT 1) " + strings.ReplaceAll(uses(100), "FROM b", "FROM other WHERE b.x IN b"), false},
		{uses(200), true}, // a table, not a common one
	} {
		if err := checkStatement(c.sql); (err == nil) != c.accepted {
			t.Errorf("%.120s…: %v", c.sql, err)
		}
	}
}
