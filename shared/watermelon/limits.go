package watermelon

import "tidemark/shared/record"

// Limits bound what one request may ask for.
type Limits struct {
	PushRows  int // rows created and updated in one push
	PushIDs   int // ids deleted in one table by one push
	RowBytes  int // one row on the wire; at most record.MaxRowBytes
	Depth     int // nesting of a JSON value
	PageRows  int // rows of one page of a pull
	PullBytes int // the text of one answer to a pull
}

// DefaultLimits suit an isolate of 128 MB.
func DefaultLimits() Limits {
	return Limits{
		PushRows:  50_000,
		PushIDs:   50_000,
		RowBytes:  record.MaxRowBytes,
		Depth:     32,
		PageRows:  10_000,
		PullBytes: 24 << 20,
	}
}
