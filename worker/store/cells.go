package store

import (
	"time"

	"tidemark/shared/abi"
)

// Number returns the number in a column of the first row, or 0.
func Number(r abi.Result, column int) float64 {
	if len(r.Rows) > 0 && column < len(r.Rows[0]) {
		return CellNumber(r.Rows[0][column])
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

// CellNumber returns the number of a cell, or 0.
func CellNumber(cell any) float64 {
	v, _ := cell.(float64)
	return v
}

// CellText returns the text of a cell, or nil.
func CellText(cell any) []byte {
	t, _ := cell.(abi.Text)
	return t
}

// CellString returns the text of a cell as a string, or "".
func CellString(cell any) string { return string(CellText(cell)) }

// Integer returns the number of a cell, or 0.
func Integer(cell any) int64 { return int64(CellNumber(cell)) }

// Blob returns the bytes of a cell, or nil.
func Blob(cell any) []byte {
	b, _ := cell.([]byte)
	return b
}

// Millis returns a time as Unix milliseconds, and the zero time as NULL.
func Millis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Time is the inverse of Millis.
func Time(cell any) time.Time {
	if millis, ok := cell.(float64); ok {
		return time.UnixMilli(int64(millis))
	}
	return time.Time{}
}
