package store

import (
	"tidemark/shared/abi"
	"tidemark/shared/ijson"
)

// number is a cell of the first row, or 0.
func number(r abi.Result, column int) float64 {
	if len(r.Rows) > 0 && column < len(r.Rows[0]) {
		if v, ok := r.Rows[0][column].(float64); ok {
			return v
		}
	}
	return 0
}

// text is a cell of the first row, or nothing.
func text(r abi.Result, column int) []byte {
	if len(r.Rows) > 0 && column < len(r.Rows[0]) {
		return cellText(r.Rows[0][column])
	}
	return nil
}

func cellText(cell any) []byte {
	t, _ := cell.(abi.Text)
	return t
}

// appendIDs appends the strings of a JSON array that SQLite made.
func appendIDs(list []string, array []byte) []string {
	s := ijson.NewScanner(array, 1)
	if s.Kind() != ijson.Array {
		return list
	}
	s.Enter(ijson.Array)
	for s.Element() {
		list = append(list, string(ijson.Unquote(nil, s.String())))
	}
	return list
}
