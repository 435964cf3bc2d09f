//go:build !js

package main

import (
	"testing"
	"time"
)

func TestAClockThatWasSetBackDelaysNoBackup(t *testing.T) { // B1
	s := schedule{every: time.Hour}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct{ ago, want time.Duration }{
		{20 * time.Minute, 40 * time.Minute},
		{time.Hour, 0},
		{-48 * time.Hour, time.Hour},
	} {
		if got := s.wait(now.Add(-c.ago), now); got != c.want {
			t.Errorf("%v after the last backup: %v, want %v", c.ago, got, c.want)
		}
	}
	if got := s.wait(s.soon(now), now); got != busyPause {
		t.Errorf("while another backup is made, the next attempt comes after %v", got)
	}
	if often := (schedule{every: time.Second}); often.wait(often.soon(now), now) != time.Second {
		t.Error("an attempt comes later than the next backup")
	}
	if got := s.wait(time.Time{}, now); got > 0 {
		t.Errorf("the first backup comes after %v", got)
	}
}
