package record

import (
	"errors"
	"fmt"
)

// ErrTooLarge says that a page, or a checksum, has more octets than one answer may
// have.
var ErrTooLarge = errors.New("too large")

// ErrOldPosition says that what changed after a Position may be forgotten. The
// client must begin again with the first page.
var ErrOldPosition = errors.New("the position is too old")

// A ConflictError rejects a Batch with Abort: IDs are its rows, by table, that
// were changed after its Base.
type ConflictError struct{ IDs map[string][]string }

func (e *ConflictError) Error() string { return "rows of the batch were changed since its base" }

// A StaleError rejects a Batch whose Base is before Oldest. What the batch must be
// compared with may be forgotten, as after a restore or a purge.
type StaleError struct{ Base, Oldest Stamp }

func (e *StaleError) Error() string {
	return fmt.Sprintf("the batch is based on stamp %d, the oldest that is known is %d", e.Base, e.Oldest)
}

// A RowError rejects a Batch because of one row, which would become larger than
// MaxRowBytes.
type RowError struct{ Table, ID string }

func (e *RowError) Error() string {
	return fmt.Sprintf("table %q: id %q: the row would become too large", e.Table, e.ID)
}
