package yroom

import (
	"fmt"

	"tidemark/shared/yjs"
)

// readLimits are those of a state that a room can read: see cost.tooMuch.
var readLimits = yjs.Limits{Stored: true, Clients: maxClients, Deletes: maxRangesTogether}

// CheckState returns an error if state is no update of format V1, or one that a room cannot
// read: no room could open it as a document, or restore it as a version.
func CheckState(state []byte) error {
	if _, err := yjs.Validate(state, readLimits); err != nil {
		return fmt.Errorf("the state is no update that a room can read: %w", err)
	}
	return nil
}
