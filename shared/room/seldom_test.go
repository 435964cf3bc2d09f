package room

import (
	"testing"
	"time"
)

func TestALineIsLoggedOnceAMinute(t *testing.T) {
	var s Seldom
	start := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true}, {0, false}, {59 * time.Second, false}, {60 * time.Second, true}, {119 * time.Second, false}, {120 * time.Second, true},
		{-time.Hour, true}, {-time.Hour, false}, // the clock was set back
	} {
		if got := s.Due(start.Add(c.after)); got != c.want {
			t.Errorf("after %v: %v, want %v", c.after, got, c.want)
		}
	}
}
