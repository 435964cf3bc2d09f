package gojs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The system refuses a file in memory, as where a sandbox does. Not parallel: no other test may need a file meanwhile.
func TestASnapshotNeedsNoFileInMemory(t *testing.T) {
	config := Config{MemoryBytes: 64 << 20}
	p, _, err := start(t, config, "")
	if err != nil {
		t.Fatal(err)
	}
	call(t, p, "start")
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	s, err := p.Snapshot()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.image.memory == nil {
		t.Error("the system did not refuse the file")
	}
	next, _ := resume(t, s, config)
	call(t, p, "start")
	if got, want := call(t, next, "started"), int32(1); got != want {
		t.Errorf("the next process has counted %d, want %d", got, want)
	}
}
