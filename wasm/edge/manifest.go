//go:build !js

package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Manifest says what a backup has. It is the last file that a backup gets: a folder without
// one is no backup.
type Manifest struct {
	Format   int          `json:"format"`   // backupFormat
	Version  string       `json:"version"`  // of the program that made the backup
	Storage  int          `json:"storage"`  // the number of the data folder
	At       time.Time    `json:"at"`       // the instant whose state the backup has
	Finished time.Time    `json:"finished"` // when the backup was whole
	Files    []BackupFile `json:"files"`    // in the order of their names
}

// A BackupFile is one file of a backup.
type BackupFile struct {
	Name   string `json:"name"` // its path in the data folder, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Stamp  int64  `json:"stamp,omitempty"` // what the query BackupOptions.Stamp returned; 0: nothing
}

// Bytes is how many bytes all files have.
func (m *Manifest) Bytes() (n int64) {
	for _, f := range m.Files {
		n += f.Bytes
	}
	return n
}

const (
	backupFormat   = 1
	manifestName   = "manifest.json"
	unfinishedName = "unfinished" // in the folder of a backup that is being made, or was not finished
)

// MarkFile is the name of a file of a data folder, with the number of its storage. A folder may be
// without it.
const MarkFile = "tidemark.json"

// ofBackup are the names in the folder of an unfinished backup. A folder with others is not deleted.
var ofBackup = map[string]bool{
	unfinishedName: true, unfinishedName + aside: true, manifestName + aside: true, MarkFile: true, MarkFile + aside: true, "d1": true, "do": true,
}

// backupName is the name of a file that a backup may have. No other path is ever written to a
// data folder.
var backupName = regexp.MustCompile(`^(tidemark\.json|d1/[A-Za-z0-9_-]+\.sqlite|do/alarms\.sqlite|do/[A-Za-z0-9_-]+/[0-9a-f]{64}\.sqlite)$`)

// ErrNoBackup means that a folder has no manifest: it is no backup, or one that was not finished.
var ErrNoBackup = errors.New("no backup: it has no " + manifestName)

// ReadManifest reads the manifest of a backup. It does not look at the files.
func ReadManifest(folder string) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(folder, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is %w", folder, ErrNoBackup)
	}
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", folder, manifestName, err)
	}
	if m.Format != backupFormat {
		return nil, fmt.Errorf("%s: the backup has the format %d, and this version knows %d", folder, m.Format, backupFormat)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if !backupName.MatchString(f.Name) || seen[f.Name] {
			return nil, fmt.Errorf("%s: %s: no backup has the file %q, or it has it twice", folder, manifestName, f.Name)
		}
		seen[f.Name] = true
	}
	return m, nil
}

// VerifyBackup reads the manifest of a backup and every file. It returns an error if a file is
// missing, is not the one of the manifest, or is not in it.
func VerifyBackup(ctx context.Context, folder string) (*Manifest, error) {
	m, err := ReadManifest(folder)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{manifestName: true, unfinishedName: true}
	for _, f := range m.Files {
		known[f.Name] = true
	}
	err = filepath.WalkDir(folder, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, at)
		if err == nil && !known[filepath.ToSlash(name)] {
			err = fmt.Errorf("%s: the file %s is not in the manifest", folder, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := f.verify(folder, io.Discard); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// verify reads the file from the folder of the backup, and writes it to w.
func (f *BackupFile) verify(folder string, w io.Writer) error {
	in, err := os.Open(filepath.Join(folder, filepath.FromSlash(f.Name)))
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), in)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != f.Bytes || got != f.SHA256 {
		return fmt.Errorf("%s: %s is damaged: it has %d bytes and the SHA-256 %.12s…, and the manifest says %d and %.12s…", folder, f.Name, n, got, f.Bytes, f.SHA256)
	}
	return nil
}

// CopyBackup copies the files of a verified backup to a new data folder, which must not exist
// or be empty. It verifies them once more. When it returns, they are on the disk.
func CopyBackup(ctx context.Context, folder string, m *Manifest, data string) error {
	dirs := map[string]bool{data: true}
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		target := filepath.Join(data, filepath.FromSlash(f.Name))
		for dir := filepath.Dir(target); len(dir) > len(data); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		err = f.verify(folder, out)
		if err == nil {
			err = out.Sync()
		}
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
	for dir := range dirs {
		if err := SyncFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

// write writes the manifest, after all other files: with it the backup is whole.
func (m *Manifest) write(folder string) error {
	slices.SortFunc(m.Files, func(a, b BackupFile) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return WriteWhole(filepath.Join(folder, manifestName), append(text, '\n'))
}

// aside ends the name under which WriteWhole writes a file.
const aside = ".new"

// WriteWhole writes a file, and waits until it is on the disk. Whenever the process or the machine ends,
// the file has its old text or the new one. One goroutine at a time may write a file of a name.
func WriteWhole(name string, text []byte) error {
	written := name + aside
	out, err := os.OpenFile(written, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(written, name)
	}
	if err != nil {
		os.Remove(written)
		return err
	}
	return SyncFolder(filepath.Dir(name))
}

// hashFile reads a file and returns its entry.
func hashFile(folder, name string, p *pace) (BackupFile, error) {
	f := BackupFile{Name: name}
	file, err := os.Open(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return f, err
	}
	defer file.Close()
	sum, buffer := sha256.New(), make([]byte, 256<<10)
	for {
		n, err := file.Read(buffer)
		sum.Write(buffer[:n])
		f.Bytes += int64(n)
		if err == io.EOF {
			f.SHA256 = hex.EncodeToString(sum.Sum(nil))
			return f, nil
		}
		if err == nil {
			err = p.breathe()
		}
		if err != nil {
			return f, err
		}
	}
}

// nameOf is the name of a file of the data folder in a manifest.
func nameOf(data, file string) (string, error) {
	name, err := filepath.Rel(data, file)
	return path.Clean(filepath.ToSlash(name)), err
}
