package watermelon

// Limits bound what one request may ask for.
type Limits struct {
	PushRows  int // rows created and updated in one push
	PushIDs   int // ids deleted in one table by one push
	RowBytes  int // one row on the wire; at most MaxRowBytes
	Depth     int // nesting of a JSON value
	PageRows  int // rows of one page of a pull
	PullBytes int // the text of one answer to a pull
}

// MaxRowBytes keeps a row, and the text it is pulled as, under D1's 2 MB.
const MaxRowBytes = 900_000

// DefaultLimits suit an isolate of 128 MB.
func DefaultLimits() Limits {
	return Limits{
		PushRows:  50_000,
		PushIDs:   50_000,
		RowBytes:  MaxRowBytes,
		Depth:     32,
		PageRows:  10_000,
		PullBytes: 24 << 20,
	}
}
