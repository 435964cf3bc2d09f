package auth

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestRateFillsEvenly(t *testing.T) {
	r := NewRate(60, 2)
	for i := range 60 {
		if ok, _ := r.Take("a", 1, now); !ok {
			t.Fatalf("request %d refused", i)
		}
	}
	if ok, wait := r.Take("a", 5, now); ok || wait != 5*time.Second {
		t.Errorf("got %v, wait %v", ok, wait)
	}
	if ok, _ := r.Take("b", 1, now); !ok {
		t.Error("another subject is refused")
	}
	if ok, wait := r.Take("a", 2, now.Add(1500*time.Millisecond)); ok || wait != time.Second {
		t.Errorf("got %v, wait %v: the least wait is a second", ok, wait)
	}
	if ok, _ := r.Take("a", 1, now.Add(-time.Hour)); !ok {
		t.Error("a clock that goes back takes what was filled")
	}
	if ok, _ := r.Take("a", 100, now.Add(time.Hour)); !ok {
		t.Error("more than a bucket is refused for ever")
	}
	if ok, wait := r.Take("a", 1, now.Add(time.Hour)); ok || wait != 41*time.Second {
		t.Errorf("got %v, wait %v: the debt is 40", ok, wait)
	}
}

func TestManySubjectsDoNotRefillTheBucketOfAnother(t *testing.T) {
	r := NewRate(60, 4096)
	for range 60 {
		r.Take("busy", 1, now)
	}
	for i := range 20_000 {
		r.Take(fmt.Sprint("other ", i), 1, now)
	}
	if ok, _ := r.Take("busy", 1, now); ok {
		t.Error("the bucket is full again after 20,000 other subjects")
	}
	if len(r.bySubject) != 4096 || len(r.full) != 4096 {
		t.Errorf("%d subjects, %d buckets, want 4096", len(r.bySubject), len(r.full))
	}
}

func TestSubjectsWithoutRoomShareOneBucket(t *testing.T) {
	r := NewRate(60, 2)
	r.Take("a", 2, now)
	r.Take("b", 1, now)
	granted := 0
	for i := range 100 {
		if ok, wait := r.Take(fmt.Sprint("late ", i), 1, now); ok {
			granted++
		} else if wait != time.Second {
			t.Errorf("wait %v, want 1 s", wait)
		}
	}
	if granted != 60 {
		t.Errorf("%d of 100 late subjects are let in, want 60", granted)
	}
	// b is full again after a second, and gives its place.
	if ok, _ := r.Take("new", 60, now.Add(time.Second)); !ok || r.bySubject["b"] != nil || r.bySubject["a"] == nil {
		t.Errorf("got %v, subjects %v", ok, r.bySubject)
	}
}

func TestWhatIsGivenBackLeavesNothingBehind(t *testing.T) {
	r := NewRate(60, 2)
	for i := range 10 {
		name := fmt.Sprint("invented ", i)
		if ok, _ := r.Take(name, 1, now); !ok {
			t.Fatal("refused")
		}
		r.Give(name, 1)
	}
	if len(r.bySubject) != 0 || len(r.full) != 0 {
		t.Errorf("%d subjects, %d buckets", len(r.bySubject), len(r.full))
	}
	r.Take("a", 30, now)
	r.Give("a", 1)
	if ok, _ := r.Take("a", 31, now); !ok {
		t.Error("what was given back is lost")
	}
	if ok, _ := r.Take("a", 1, now); ok {
		t.Error("more was given back than taken")
	}
	r.Take("b", 1, now)
	r.Take("late", 60, now)
	r.Give("late", 60)
	if ok, _ := r.Take("later", 60, now); !ok {
		t.Error("the shared bucket gets nothing back")
	}
}

func TestALongSubjectIsNotKept(t *testing.T) {
	r := NewRate(60, 10)
	one, other := strings.Repeat("x", 5000)+"1", strings.Repeat("x", 5000)+"2"
	if ok, _ := r.Take(one, 60, now); !ok {
		t.Fatal("refused")
	}
	if ok, _ := r.Take(one, 1, now); ok {
		t.Error("the bound does not hold")
	}
	if ok, _ := r.Take(other, 60, now); !ok {
		t.Error("two subjects share a bucket")
	}
	for key := range r.bySubject {
		if len(key) > longSubject {
			t.Errorf("a key has %d bytes", len(key))
		}
	}
}

// In any order of requests the Rate forgets nobody who would be granted more by it.
func TestRateGrantsNoMoreThanAnUnboundedOne(t *testing.T) {
	for seed := range uint64(200) {
		dice := rand.New(rand.NewPCG(seed, 0))
		few, all := NewRate(10, 3), NewRate(10, 1000)
		at := now
		for range 300 {
			at = at.Add(time.Duration(dice.IntN(3000)) * time.Millisecond)
			subject, n := fmt.Sprint(dice.IntN(6)), 1+dice.IntN(4)
			if few.bySubject[subject] == nil && len(few.full) == 3 && few.full[0].fullAt > at.UnixNano() {
				few.Take(subject, n, at) // from the overflow
				continue
			}
			got, _ := few.Take(subject, n, at)
			want, _ := all.Take(subject, n, at)
			if got && !want {
				t.Fatalf("seed %d: subject %s is granted %d that it has not", seed, subject, n)
			}
			for i, b := range few.full {
				if b.index != i || few.bySubject[b.subject] != b {
					t.Fatalf("seed %d: bucket %d is not where it says", seed, i)
				}
			}
		}
	}
}

func BenchmarkRate(b *testing.B) {
	r := NewRate(60_000, 4096)
	subjects := make([]string, 4096)
	for i := range subjects {
		subjects[i] = fmt.Sprint("subject ", i)
	}
	b.ReportAllocs()
	for i := range b.N {
		r.Take(subjects[i*31%len(subjects)], 1, now.Add(time.Duration(i)*time.Microsecond))
	}
}

func TestWhatIsOwedIsPaidFirst(t *testing.T) {
	now := time.Unix(1000, 0)
	r := NewRate(60, 10)
	r.Take("a", 1, now)
	r.Owe("a", 100)
	if ok, wait := r.Take("a", 1, now); ok || wait != 42*time.Second {
		t.Errorf("granted %v, or after %v, want after 42s", ok, wait)
	}
	if ok, _ := r.Take("a", 1, now.Add(42*time.Second)); !ok {
		t.Error("not granted after 42 s")
	}
}
