package record

import (
	"bytes"
	"cmp"
	"math"
	"strconv"
	"strings"

	"tidemark/shared/ijson"
)

// ToleranceMillis is how far ahead of the server a client's clock may be.
const ToleranceMillis = 5000

// A Row is the part of a row that decides a conflict. Values are the columns in
// declared order, each nil, a string, a float64 or a bool; times are milliseconds of
// Unix time.
type Row struct {
	Values               []any
	CreatedAt, UpdatedAt float64
}

// Compare orders two versions of one row: the greater one wins, equal ones are the
// same. The last write wins. Writes of one millisecond are ordered by their content
// as SQLite's json_array writes it, bytewise. The server applies the rule as SQL, in
// one batch with the write: worker/store/records. Compare is the model that this SQL
// is tested against. docs/protocol.md, c1.
func Compare(a, b Row) int {
	if c := cmp.Compare(a.UpdatedAt, b.UpdatedAt); c != 0 {
		return c
	}
	if c := bytes.Compare(appendArray(nil, a.Values), appendArray(nil, b.Values)); c != 0 {
		return c
	}
	return cmp.Compare(a.CreatedAt, b.CreatedAt)
}

// Claim returns the time to use for a claimed updated_at, and the new greatest claim
// from the future of its row. A claim over 5 s ahead of the server is replaced by
// base + 5 s. base is the stamp that the writer has seen, and ahead the greatest
// claim from the future so far, or 0. A claim that was in the future once is replaced
// at every later time too, so that the same write counts the same. Claim is the model
// that the server's SQL is tested against, as Compare is. docs/protocol.md, c2.
func Claim(claimed, ahead float64, base Stamp, nowMillis int64) (counts, newAhead float64) {
	if claimed <= float64(nowMillis)+ToleranceMillis && claimed > ahead {
		return claimed, ahead
	}
	return math.Min(claimed, float64(base)+ToleranceMillis), math.Max(claimed, ahead)
}

func appendArray(b []byte, values []any) []byte {
	b = append(b, '[')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := v.(type) {
		case nil:
			b = append(b, "null"...)
		case string:
			b = ijson.AppendString(b, v)
		case float64:
			b = appendReal(b, v)
		case bool:
			b = append(b, '0')
			if v {
				b[len(b)-1] = '1'
			}
		}
	}
	return append(b, ']')
}

// appendReal writes v as SQLite's JSON writes a REAL: always with a point.
func appendReal(b []byte, v float64) []byte {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	if e, _ := strconv.Atoi(exponent); e < -4 || e >= 17 {
		b = append(b, mantissa...)
		if !strings.Contains(mantissa, ".") {
			b = append(b, '.', '0')
		}
		return append(append(b, 'e'), exponent...)
	}
	from := len(b)
	b = strconv.AppendFloat(b, v, 'f', -1, 64)
	if bytes.IndexByte(b[from:], '.') < 0 {
		b = append(b, '.', '0')
	}
	return b
}
