package edge

import (
	"errors"
	"os"
	"syscall"
)

// The flags of sync_file_range(2): wait for what is on its way, begin with the rest, wait for that.
const waitBefore, begin, waitAfter = 1, 2, 4

// sendPart waits until sendBytes of a file are with the disk. That is no promise that they survive the
// end of its power, which Sync gives later.
func sendPart(file *os.File, at int64) error {
	err := syscall.SyncFileRange(int(file.Fd()), at, sendBytes, waitBefore|begin|waitAfter)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
