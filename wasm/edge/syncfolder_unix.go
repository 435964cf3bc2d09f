//go:build unix

package edge

import (
	"errors"
	"os"
)

// SyncFolder waits until the names in a folder are on the disk.
func SyncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
