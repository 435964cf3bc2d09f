package record

// A Stored is what the server tells of one row.
type Stored struct {
	Now            Stamp // of the last change of all tables
	Horizon, Floor Stamp
	State          State
	Stamp          Stamp // of the row's last change, or of its deletion
	Ahead          int64 // the greatest pushed time that was too far ahead; 0: none was
	Row            []byte
}

// A State says whether a row is there.
type State int

// The states. Unknown is a row that the server never had, whose tombstone it purged, or that the caller may not read.
const (
	Unknown State = iota
	Live
	Deleted
)

// String returns the state's name in an answer.
func (s State) String() string { return [...]string{"unknown", "live", "deleted"}[s] }
