//go:build !js

package metrics_test

import (
	"reflect"
	"testing"
	"time"

	"tidemark/shared/metric"
	"tidemark/wasm/metrics"
)

const minute = int64(60_000)

// start is 20 s after the beginning of a minute.
var start = time.Unix(1_700_000_040+20, 0)

func TestTheLastMinutesAreThere(t *testing.T) {
	now := start
	m := metrics.New(func() time.Time { return now })
	first := start.Unix() / 60 * minute
	check := func(want ...metrics.Minute) {
		t.Helper()
		r := m.Recent()
		for i := range want {
			want[i].At = r.Minutes[0].At + int64(i)*minute
		}
		if !reflect.DeepEqual(r.Minutes, want) || !r.Since.Equal(start) || !r.Now.Equal(now) {
			t.Errorf("%v after %v:\n got %+v\nwant %+v", r.Since, now.Sub(start), r.Minutes, want)
		}
	}
	check(metrics.Minute{})
	if at := m.Recent().Minutes[0].At; at != first {
		t.Errorf("the first minute began at %d, want %d", at, first)
	}
	for _, status := range []int{200, 101, 304, 400, 499, 500, 503} {
		m.Request("/a", "GET", status, now, time.Millisecond)
	}
	m.Report(metrics.Source{}, metric.Append(nil, []metric.Count{
		{Metric: metric.PushRows, Value: 2, Labels: "a\x00created"}, {Metric: metric.PushRows, Value: 1, Labels: "a\x00rejected"}, {Metric: metric.PullRows, Value: 7, Labels: "a"},
		{Metric: metric.Notifications, Value: 3}, {Metric: metric.YjsUpdates, Value: 4}, {Metric: metric.YjsBytes, Value: 99, Labels: "in"},
	}))
	one := metrics.Minute{Requests: 7, Errors: 2, Refused: 2, PushedRows: 3, PulledRows: 7, Notifications: 3, Updates: 4}
	check(one)
	now = now.Add(39 * time.Second) // one second before the next minute
	check(one)
	now = now.Add(time.Second)
	check(one, metrics.Minute{})
	now = now.Add(2 * time.Minute)
	m.Request("/a", "GET", 200, now, 0)
	check(one, metrics.Minute{}, metrics.Minute{}, metrics.Minute{Requests: 1})
	now = now.Add(56 * time.Minute)
	if r := m.Recent(); len(r.Minutes) != 60 || r.Minutes[0].Requests != 7 || r.Minutes[3].Requests != 1 {
		t.Errorf("%+v", r.Minutes)
	}
	now = now.Add(time.Minute)
	if r := m.Recent(); len(r.Minutes) != 60 || r.Minutes[0].At != first+minute || r.Minutes[2].Requests != 1 {
		t.Errorf("%+v", r.Minutes)
	}
	m.Request("/a", "GET", 200, now, 0) // in the place of the first minute
	if r := m.Recent(); r.Minutes[59] != (metrics.Minute{At: first + 60*minute, Requests: 1}) {
		t.Errorf("%+v", r.Minutes[59])
	}
	now = now.Add(5 * time.Hour)
	for _, got := range m.Recent().Minutes {
		if got != (metrics.Minute{At: got.At}) {
			t.Errorf("%+v", got)
		}
	}
	now = start.Add(-time.Hour) // the clock was set back
	if r := m.Recent(); len(r.Minutes) != 1 || r.Minutes[0].At != first-60*minute {
		t.Errorf("%+v", r.Minutes)
	}
}

// A minute has the most sockets that were open in it, also one in which none was opened or closed.
func TestTheMostSocketsOfAMinute(t *testing.T) {
	now := start
	m := metrics.New(func() time.Time { return now })
	for _, sockets := range [][]int64{{1, 1, 1, -1}, {}, {-1, 1, -1, -1}, {}, {}, {1}} {
		for _, n := range sockets {
			m.Socket(n)
		}
		now = now.Add(time.Minute)
	}
	var got []int64
	for _, minute := range m.Recent().Minutes {
		got = append(got, minute.Sockets)
	}
	if want := []int64{3, 2, 2, 0, 0, 1, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTheEndsOfTheLastHourAreThere(t *testing.T) {
	now := start
	m := metrics.New(func() time.Time { return now })
	m.InstanceEnded(metric.EndedMemory)
	now = now.Add(30 * time.Minute)
	m.InstanceEnded(metric.EndedMemory)
	m.InstanceEnded(metric.EndedFailed)
	for _, want := range []map[string]int64{{"memory": 2, "failed": 1}, {"memory": 1, "failed": 1}, {}} {
		if got := m.Recent().Ended; !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		now = now.Add(30 * time.Minute)
	}
}
