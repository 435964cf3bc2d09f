package gojs

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A system may forbid files in memory (vm.memfd_noexec), or a process may have too many open ones.
func TestASnapshotNeedsNoFile(t *testing.T) {
	p, _, err := start(t, Config{MemoryBytes: 64 << 20}, "")
	if err != nil {
		t.Fatal(err)
	}
	call(t, p, "start")
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: files.Max}); err != nil {
		t.Fatal(err)
	}
	s, err := p.Snapshot()
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, going := range []*Process{p, mustResume(t, s), mustResume(t, s)} {
		call(t, going, "start")
		if got := call(t, going, "started"); got != 2 {
			t.Errorf("it has counted to %d", got)
		}
	}
}

func mustResume(t *testing.T, s *Snapshot) *Process {
	p, _ := resume(t, s, Config{MemoryBytes: 64 << 20})
	return p
}
