package store

import (
	"strconv"
	"strings"
)

// Limits of D1 that the statements are built around.
const (
	StatementBytes = 100_000
	FunctionArgs   = 32 // arguments of a function
	ResultColumns  = 100
	CompoundTerms  = 5 // SELECTs joined by UNION ALL
)

// PartBytes is the most text in one cell of a result; D1 allows 2 MB.
const PartBytes = 1_900_000

// WaryBytes is how many octets of rows a statement may read without measuring
// them. The JSON of a row is about as long as the stored row, so the text of more
// rows is surely too long for a cell.
const WaryBytes = 2 * PartBytes

// Literal returns a value as an SQL literal: nil, a string, a float64 or a bool.
func Literal(v any) string {
	switch v := v.(type) {
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64) // a REAL, whatever the value
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return "NULL"
}

// JSONBoolean returns a column that holds 0, 1 or NULL as a value of JSON.
func JSONBoolean(column string) string {
	return "json(CASE " + column + " WHEN 0 THEN 'false' WHEN 1 THEN 'true' END)"
}

// JSONArray returns json_array of the expressions, however many they are.
func JSONArray(list []string) string {
	if len(list) <= FunctionArgs {
		return "json_array(" + strings.Join(list, ", ") + ")"
	}
	// Every array ends and begins with a scalar.
	return "rtrim(json_array(" + strings.Join(list[:FunctionArgs], ", ") + "), ']') || ',' || ltrim(" + JSONArray(list[FunctionArgs:]) + ", '[')"
}

// Balanced joins expressions by an operator, as a tree: D1 allows a depth of 100.
func Balanced(operator string, list []string) string {
	if len(list) <= 2 {
		return strings.Join(list, operator)
	}
	half := len(list) / 2
	return "(" + Balanced(operator, list[:half]) + ")" + operator + "(" + Balanced(operator, list[half:]) + ")"
}

// Lines returns the texts of the expressions as one text, one a line.
func Lines(list []string) string { return "(" + Balanced(" || char(10) || ", list) + ")" }

// UnionAll joins SELECTs, at most CompoundTerms to a compound.
func UnionAll(list []string) string {
	for len(list) > CompoundTerms {
		var groups []string
		for len(list) > 0 {
			n := min(CompoundTerms, len(list))
			groups = append(groups, "SELECT * FROM ("+strings.Join(list[:n], "\nUNION ALL\n")+")")
			list = list[n:]
		}
		list = groups
	}
	return strings.Join(list, "\nUNION ALL\n")
}
