package store

import "tidemark/shared/abi"

// Number returns the number in a column of the first row, or 0.
func Number(r abi.Result, column int) float64 {
	if len(r.Rows) > 0 && column < len(r.Rows[0]) {
		if v, ok := r.Rows[0][column].(float64); ok {
			return v
		}
	}
	return 0
}

// Text returns the text in a column of the first row, or nil.
func Text(r abi.Result, column int) []byte {
	if len(r.Rows) > 0 && column < len(r.Rows[0]) {
		return CellText(r.Rows[0][column])
	}
	return nil
}

// CellText returns the text of a cell, or nil.
func CellText(cell any) []byte {
	t, _ := cell.(abi.Text)
	return t
}

// Integer returns the number of a cell, or 0.
func Integer(cell any) int64 {
	v, _ := cell.(float64)
	return int64(v)
}

// Blob returns the bytes of a cell, or nil.
func Blob(cell any) []byte {
	b, _ := cell.([]byte)
	return b
}
