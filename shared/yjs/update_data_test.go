package yjs_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
)

const dataFolder = "../../../shared/data/"

// openData opens a gzipped file of the test data. It skips the test if there is none.
func openData(t testing.TB, name string) *bufio.Reader {
	t.Helper()
	f, err := os.Open(dataFolder + name)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs " + dataFolder + name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return bufio.NewReaderSize(z, 1<<16)
}

// readData reads a file of bytes.
func readData(t testing.TB, name string) []byte {
	t.Helper()
	b, err := io.ReadAll(openData(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readCases reads a file of JSON values, and fails if it holds none.
func readCases[T any](t testing.TB, name string) []T {
	t.Helper()
	d := json.NewDecoder(openData(t, name))
	var cases []T
	for {
		var c T
		err := d.Decode(&c)
		if err == io.EOF && len(cases) > 0 {
			return cases
		}
		if err != nil {
			t.Fatalf("%s, case %d: %v", name, len(cases), err)
		}
		cases = append(cases, c)
	}
}

// readLog reads the first n updates of a log, all of them if n is 0.
func readLog(t testing.TB, name string, n int) [][]byte {
	t.Helper()
	r := openData(t, name)
	var updates [][]byte
	for n == 0 || len(updates) < n {
		size, err := binary.ReadUvarint(r)
		if err == io.EOF {
			break
		}
		update := make([]byte, size)
		if _, readErr := io.ReadFull(r, update); err != nil || readErr != nil {
			t.Fatalf("%s, update %d: %v", name, len(updates), errors.Join(err, readErr))
		}
		updates = append(updates, update)
	}
	return updates
}

// A mergeCase is yjs' merge of some updates of a document, in any order.
type mergeCase struct {
	In                           [][]byte
	Merged, SV, DiffSV, Diff, V2 []byte
}

func mergeCases(t testing.TB) []mergeCase {
	return readCases[mergeCase](t, "yjs13-merge-diff.jsonl.gz")
}

// A stateCase is the final state of a random session of several yjs clients.
type stateCase struct {
	Seed                             int
	Pending                          bool
	Updates                          [][]byte
	State, SV, DiffSV, Diff, StateV2 []byte
}

func stateCases(t testing.TB) []stateCase {
	return readCases[stateCase](t, "yjs13-conformance-small.jsonl.gz")
}

// differs reports the first difference of two byte strings.
func differs(t testing.TB, what string, got, want []byte, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if bytes.Equal(got, want) {
		return
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	t.Errorf("%s: byte %d differs\n got %x\nwant %x", what, i, got, want)
}

// hostileSeeds returns the shorter hostile updates, none without test data.
func hostileSeeds(t testing.TB) [][]byte {
	if _, err := os.Stat(dataFolder + "hostile.jsonl.gz"); err != nil {
		t.Logf("without the seeds of %shostile.jsonl.gz: %v", dataFolder, err)
		return nil
	}
	var seeds [][]byte
	for _, c := range readCases[hostileCase](t, "hostile.jsonl.gz") {
		if len(c.B64) < 1000 {
			seeds = append(seeds, c.B64)
		}
	}
	return seeds
}
