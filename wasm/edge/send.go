//go:build !js

package edge

import (
	"errors"
	"os"
)

// sendBytes is how much of a copy goes to the disk at a time. The commits of the server go to the
// same disk, and wait for all that was given to it before them.
const sendBytes = 1 << 20

// send gives the next parts of a growing copy to the disk, from the byte sent, and leaves time to the server.
func (b *backup) send(target string, sent *int64) error {
	if info, err := os.Stat(target); err != nil || info.Size() < *sent+sendBytes {
		return errors.Join(err, b.pace.breathe())
	}
	file, err := os.OpenFile(target, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(b.sendParts(file, sent), file.Close())
}

// settle waits until a copy is on the disk.
func (b *backup) settle(target string) error {
	file, err := os.OpenFile(target, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err = b.sendParts(file, new(int64)); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close(), b.pace.breathe())
}

func (b *backup) sendParts(file *os.File, sent *int64) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	for ; *sent+sendBytes <= info.Size(); *sent += sendBytes {
		if err := sendPart(file, *sent); err != nil {
			return err
		}
		if err := b.pace.breathe(); err != nil {
			return err
		}
	}
	return nil
}
