package store

import (
	"tidemark/shared/abi"
	"tidemark/shared/ijson"
)

func number(r abi.Result, column int) float64 { return Number(r, column) }

func text(r abi.Result, column int) []byte { return Text(r, column) }

func cellText(cell any) []byte { return CellText(cell) }

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
