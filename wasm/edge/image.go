//go:build !js

package edge

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// imageBytes is the size up to which an object is copied to memory first. That takes a third of the
	// time of an online backup to a file, and an event may wait for it.
	imageBytes = 1 << 20
	// mostImages is how many bytes of images may wait to be written.
	mostImages = 32 << 20
)

// An image is what the file of a database has when its log is copied into it: SQLite's serialization.
type image struct {
	target string // where it is to be written
	bytes  []byte
}

// image returns the image of the database, or nil if it is too large.
func (c *sqliteConn) image(target string) (*image, error) {
	var n [2]int64
	for i, sql := range [...]string{"PRAGMA page_count", "PRAGMA page_size"} {
		var err error
		if n[i], err = c.pragma(sql); err != nil {
			return nil, err
		}
	}
	size := n[0] * n[1]
	if size > imageBytes || size == 0 {
		return nil, nil
	}
	from := sqlite3.Xsqlite3_serialize(c.tls, c.db, mainName, c.out, 0)
	if from == 0 {
		return nil, errors.New("copy " + c.path + " to memory: SQLite has none")
	}
	defer sqlite3.Xsqlite3_free(c.tls, from)
	return &image{target, bytes.Clone(libc.GoBytes(from, int(size)))}, nil
}

// write writes the image to its file, as a database without a log.
func (i *image) write() error {
	copy(i.bytes[logAt:], withoutLog)
	if err := os.MkdirAll(filepath.Dir(i.target), 0o700); err != nil {
		return err
	}
	return os.WriteFile(i.target, i.bytes, 0o600)
}
