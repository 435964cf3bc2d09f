package room

import (
	"strconv"
	"testing"
	"time"
)

func TestRecentRemembersForAMinute(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var r Recent[int]
	if r.Get("a", now) != 0 {
		t.Error("an empty one remembers")
	}
	r.Put("a", 1, now)
	r.Put("b", 2, now.Add(30*time.Second))
	r.Put("a", 3, now.Add(59*time.Second))
	for _, c := range []struct {
		name  string
		after time.Duration
		want  int
	}{{"a", 59 * time.Second, 3}, {"b", 89 * time.Second, 2}, {"b", 90 * time.Second, 0}, {"a", 118 * time.Second, 3}, {"a", 119 * time.Second, 0}} {
		if got := r.Get(c.name, now.Add(c.after)); got != c.want {
			t.Errorf("%s after %v: %d, want %d", c.name, c.after, got, c.want)
		}
	}
	for i := range 2 * maxRecent {
		r.Put(strconv.Itoa(i), i, now)
	}
	if len(r.named) > maxRecent || len(r.order) > maxRecent {
		t.Errorf("it remembers %d, in %d places", len(r.named), len(r.order))
	}
	if last := 2*maxRecent - 1; r.Get(strconv.Itoa(last), now) != last {
		t.Error("it has forgotten the last one")
	}
	r.Put("z", 1, now.Add(time.Hour))
	if len(r.named) != 1 || len(r.order) != 1 {
		t.Errorf("after an hour it holds %d, in %d places", len(r.named), len(r.order))
	}
}

// A deletion of many documents that is repeated puts each of them again.
func TestRecentKeepsWhatIsPutAgainWhenItIsFull(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, later := range []time.Duration{0, 2 * recentLife} {
		var r Recent[int]
		for i := range maxRecent {
			r.Put(strconv.Itoa(i), 1, now)
		}
		for i := range maxRecent {
			r.Put(strconv.Itoa(i), 2, now.Add(later))
			if got := r.Get(strconv.Itoa(i), now.Add(later)); got != 2 {
				t.Fatalf("after %v, the %d. is %d", later, i, got)
			}
		}
		if len(r.named) != maxRecent || len(r.order) != maxRecent {
			t.Errorf("after %v it remembers %d, in %d places", later, len(r.named), len(r.order))
		}
	}
}
