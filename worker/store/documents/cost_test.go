//go:build !js

package documents

import (
	"context"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/yjs/yjstest"
	"tidemark/shared/yproto"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
)

// A meter is a room on its storage, with the rows that it has written so far.
type meter struct {
	testing.TB
	config yroom.Config
	log    Log
	copies *Copies
	room   *yroom.Room
	now    time.Time
	alarm  time.Time

	rows, alarms, copied int // rows in the object, alarms set, rows in the database
	typed                int
}

func newMeter(t testing.TB) *meter {
	m := &meter{TB: t, config: yroom.DefaultConfig, log: newLog(t), now: noon}
	m.config.Silence = 0 // as where somebody renews a presence in time: there is no alarm for it
	exec := m.log.Exec
	m.log.Exec = func(s ...abi.Statement) ([]abi.Result, error) {
		results, err := exec(s...)
		m.rows += changes(results)
		return results, err
	}
	m.copies = NewCopies(meteredDB{openDB(t), &m.copied})
	m.wake()
	m.do(m.room.Seeded(nil, 0, nil, m.now))
	m.rows, m.alarms = 0, 0
	return m
}

type meteredDB struct {
	store.DB
	changes *int
}

func (c meteredDB) Batch(ctx context.Context, s []abi.Statement) ([]abi.Result, error) {
	results, err := c.DB.Batch(ctx, s)
	*c.changes += changes(results)
	return results, err
}

func changes(results []abi.Result) (n int) {
	for _, r := range results {
		n += r.Changes
	}
	return n
}

// wake makes the room of what is stored, with a socket, as after a hibernation.
func (m *meter) wake() {
	stored, err := m.log.Open()
	if err != nil {
		m.Fatal(err)
	}
	m.room = yroom.New(m.config, m.log, stored, nil, m.now)
	m.do(m.room.Connect(1, yroom.Admission{Write: true}, m.now), nil)
}

func (m *meter) do(out yroom.Effects, err error) yroom.Task {
	if err != nil {
		m.Fatal(err)
	}
	for _, at := range []*time.Time{out.Sooner, out.Alarm} {
		if at != nil {
			m.alarm = *at
			m.alarms++
		}
	}
	for _, w := range out.Store {
		if err := m.log.Write(w); err != nil {
			m.Fatal(err)
		}
	}
	return out.Task
}

// pass lets time go by, and alarms go off.
func (m *meter) pass(d time.Duration) {
	for until := m.now.Add(d); ; {
		if m.alarm.IsZero() || m.alarm.After(until) {
			m.now = until
			return
		}
		m.now, m.alarm = m.alarm, time.Time{}
		task := m.do(m.room.Alarm(m.now))
		if task.Kind != yroom.TaskCopy {
			continue
		}
		part, err := m.log.Part(task.Copy.Gen, 0)
		if err == nil {
			err = m.copies.Commit(context.Background(), "room", task.Copy.Version, part)
		}
		m.do(m.room.Copied(task.Copy, err, m.now), err)
	}
}

// types sends a number of keystrokes, one at a time.
func (m *meter) types(n int, every time.Duration) {
	for range n {
		m.do(m.room.Message(1, abi.KindBinary, yproto.AppendUpdate(nil, yjstest.Typed(m.typed)), m.now))
		m.typed++
		m.pass(every)
	}
}

func TestAnUpdateWritesOneRow(t *testing.T) {
	m := newMeter(t)
	m.types(1, 0)
	if m.rows != 1 || m.alarms != 1 || m.copied != 0 {
		t.Errorf("the first update: %d rows, %d alarms, %d in the database", m.rows, m.alarms, m.copied)
	}
	for range 5 { // a room that hibernates between two of them
		m.wake()
		m.types(1, 5*time.Second)
	}
	if m.rows != 6 || m.alarms != 1 {
		t.Errorf("six updates: %d rows, %d alarms", m.rows, m.alarms)
	}
}

func TestCompactionWritesFewRowsHoweverManyUpdatesThereAre(t *testing.T) {
	for _, c := range []struct{ updates, rows int }{
		{1, 4}, // a part and two of the room's row, and the deletion of the log's row
		{100, 4},
		{4000, 17}, // 14 rows of 3,900 bytes
	} {
		m := newMeter(t)
		m.types(c.updates, 0)
		m.rows, m.alarms = 0, 0
		m.pass(time.Minute)
		if m.rows > c.rows || m.alarms > 2 || m.copied > 1 {
			t.Errorf("the compaction of %d updates: %d rows, %d alarms, %d in the database", c.updates, m.rows, m.alarms, m.copied)
		}
	}
}

// BenchmarkRowsWritten says what 1,000 updates cost in rows, when a team types ten
// in a second and when somebody types one in a while.
func BenchmarkRowsWritten(b *testing.B) {
	for name, every := range map[string]time.Duration{"typing": 100 * time.Millisecond, "now-and-then": 45 * time.Second} {
		b.Run(name, func(b *testing.B) {
			m := newMeter(b)
			n := 0
			for b.Loop() {
				m.types(1000, every)
				m.pass(time.Minute)
				n++
			}
			b.ReportMetric(float64(m.rows+m.alarms+m.copied)/float64(n), "rows/1000updates")
			b.ReportMetric(float64(m.rows)/float64(n), "object-rows/1000updates")
			b.ReportMetric(float64(m.alarms)/float64(n), "alarms/1000updates")
			b.ReportMetric(float64(m.copied)/float64(n), "database-rows/1000updates")
		})
	}
}
