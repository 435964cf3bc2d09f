package lib0

import "strconv"

// Error says where a decoder stopped and why. Offset counts bytes from the
// start of the buffer the Reader was made over.
type Error struct {
	Offset int
	Reason string
}

func (e *Error) Error() string {
	return "byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}
