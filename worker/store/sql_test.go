//go:build !js

package store_test

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// D1 limits the arguments of a function, the depth of an expression and the terms of
// a compound. The pieces of SQL stay within these limits, however long the list.
func TestPiecesOfSQLStayWithinTheLimitsOfD1(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	for _, n := range []int{1, 2, 3, 5, 6, 32, 33, 90} {
		var numbers, selects []string
		for i := range n {
			numbers = append(numbers, fmt.Sprint(i))
			selects = append(selects, fmt.Sprintf("SELECT %d AS n", i))
		}
		for sql, want := range map[string]string{
			"SELECT " + store.JSONArray(numbers):                            "[" + strings.Join(numbers, ",") + "]",
			"SELECT " + store.Lines(numbers) + " || ''":                     strings.Join(numbers, "\n"),
			"SELECT (" + store.Balanced(" + ", numbers) + ") || ''":         fmt.Sprint(n * (n - 1) / 2),
			"SELECT group_concat(n) FROM (" + store.UnionAll(selects) + ")": strings.Join(numbers, ","),
		} {
			results, err := db.Batch(t.Context(), []abi.Statement{{SQL: sql}})
			if err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			if got := string(store.Text(results[0], 0)); got != want {
				t.Errorf("%s: got %s, want %s", sql, got, want)
			}
		}
	}
}

func TestALiteralIsReadAsItsValue(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	for _, c := range []struct{ v, want any }{
		{nil, nil}, {"", ""}, {"it's", "it's"}, {"a\x01b", "a\x01b"}, {0.0, 0.0}, {8.0, 8.0}, {-1.5, -1.5}, {1e300, 1e300}, {true, 1}, {false, 0},
	} {
		results, err := db.Batch(t.Context(), []abi.Statement{{SQL: "SELECT " + store.Literal(c.v) + " IS ?1", Args: []any{c.want}}})
		if err != nil {
			t.Fatalf("%v: %v", c.v, err)
		}
		if store.Number(results[0], 0) != 1 {
			t.Errorf("%v is read as another value than %v", c.v, c.want)
		}
	}
}
