package record

// MaxRowBytes keeps a row, and the text that SQLite makes of it, under D1's 2 MB.
const MaxRowBytes = 900_000

// A Batch is a checked list of changes, which a store writes as one transaction.
type Batch struct {
	Base   Stamp        // of the last change that the writer has seen
	Abort  bool         // reject the batch if one of its rows changed after Base
	Caller Caller       // who writes
	Tables []TableBatch // as in the schema
}

// A TableBatch is the changes to one table. A table has no id twice.
type TableBatch struct {
	// Rows are JSON arrays of rows to create or update, each text short enough for
	// a parameter of a statement. A row is the array
	//	[id, mask, updated_at, created_at, the columns in declared order…]
	// where bit n of mask says that the row brings the n-th declared column,
	// and the next bit that it brings created_at; what it does not bring is 0,
	// an updated_at null. A boolean is 1 or 0. If the table is guarded, a hash of the row as
	// it was pushed follows, as text: the same row has the same.
	Rows [][]byte
	// Deleted are JSON arrays of ids, each text short enough for a parameter.
	Deleted [][]byte
	// RowCount and DeletedCount are how many rows and ids those are.
	RowCount, DeletedCount int
	// Partial says that a row does not bring every column, or no updated_at.
	// Latest is the greatest updated_at of the others.
	Partial bool
	Latest  float64
	// Filled are the ids of rows that brought a value of which the app knew nothing: it counts as
	// absent. The writer's next pull must bring these rows.
	Filled []string
	// Rejected are rows that fail a check. Rows has none of them.
	Rejected []Rejection
}

// A Rejection is a row, or a deletion, that was rejected by itself. Column is "" if a rule is the
// reason.
type Rejection struct{ ID, Column, Reason string }

// An Outcome is what a Batch did.
type Outcome struct {
	Stamp  Stamp          // of the last change of the database
	Tables []TableOutcome // as in the schema
}

// Purged is what a purge of tombstones did.
type Purged struct {
	Horizon    Stamp // a client that pulled before it gets a replacement
	Tombstones int   // that the purge deleted
	More       bool  // tombstones up to the horizon are left, for the next purge
}

// A TableOutcome is what a Batch did to one table.
type TableOutcome struct {
	Created, Updated, Deleted int
	// Restamped are the stored rows that won over a row of the batch and got a new
	// stamp, so that the writer's next pull brings them.
	Restamped int
	// Superseded are the ids of the rows that lost.
	Superseded []string
	// Rejected are the rows and the deletions that the batch was done without.
	Rejected []Rejection
}

// Changed says whether the table has rows of the outcome's stamp.
func (t *TableOutcome) Changed() bool { return t.Created+t.Updated+t.Restamped+t.Deleted > 0 }
