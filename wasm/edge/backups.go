//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Backups are the dated backups in one folder, of which the last ones are kept.
type Backups struct {
	Folder string
	Keep   int // how many; at least 1
}

const backupTime = "2006-01-02T15-04-05.000Z"

var backupFolder = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$`)

// Next returns the folder of a backup that begins now. Its name comes after those of all others,
// also where the clock went back.
func (b *Backups) Next(now time.Time) (string, error) {
	whole, half, err := b.list()
	if err != nil {
		return "", err
	}
	for _, folder := range slices.Concat(whole, half) {
		last, err := time.Parse(backupTime, filepath.Base(folder))
		if err != nil {
			return "", err
		}
		if !now.After(last) {
			now = last.Add(time.Millisecond)
		}
	}
	return filepath.Join(b.Folder, now.UTC().Format(backupTime)), nil
}

// Last returns the newest whole backup and its manifest, or "" if there is none.
func (b *Backups) Last() (string, *Manifest, error) {
	whole, _, err := b.list()
	if err != nil || len(whole) == 0 {
		return "", nil, err
	}
	last := whole[len(whole)-1]
	m, err := ReadManifest(last)
	return last, m, err
}

// list returns the folders of backups that are whole and of those that are not, oldest first.
func (b *Backups) list() (whole, half []string, err error) {
	entries, err := os.ReadDir(b.Folder) // sorted
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries {
		folder := filepath.Join(b.Folder, e.Name())
		if !e.IsDir() || !backupFolder.MatchString(e.Name()) {
			continue
		}
		if _, err := ReadManifest(folder); errors.Is(err, ErrNoBackup) {
			half = append(half, folder)
		} else if err == nil {
			whole = append(whole, folder)
		}
	}
	return whole, half, err
}

// Sweep deletes what runs that were killed have left, and all whole backups but the last ones. No
// backup to the folder may run.
func (b *Backups) Sweep() error {
	whole, half, err := b.list()
	if err != nil {
		return err
	}
	old := whole[:max(len(whole)-max(b.Keep, 1), 0)]
	var errs []error
	for _, folder := range old { // without its manifest it is no backup, if this is cut off
		if err := os.Remove(filepath.Join(folder, manifestName)); err != nil {
			errs = append(errs, err)
		}
	}
	for _, folder := range slices.Concat(half, old) {
		errs = append(errs, os.RemoveAll(folder))
	}
	return errors.Join(errs...)
}
