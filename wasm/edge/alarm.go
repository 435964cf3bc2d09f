//go:build !js

package edge

import (
	"errors"
	"fmt"
	"sync"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"tidemark/shared/abi"
)

// An alarm is the time at which the host calls an object.
type alarm struct {
	at        float64 // Unix milliseconds; 0: none
	notBefore float64 // likewise: no call before it, because an instance has ended in the object
	retries   int
	running   bool
	full      int  // writes that had failed for want of space when the last call began
	replaced  bool // the object has set another while this one ran
	stop      func() bool
}

func (a *alarm) due() float64 { return max(a.at, a.notBefore) }

func (a *alarm) set() bool { return a.at > 0 || a.running }

// Cloudflare docs, Durable Objects, Alarms: retried with exponential backoff,
// starting at 2 seconds, up to 6 times.
const (
	alarmRetries = 6
	alarmBackoff = 2 * time.Second
)

// replaceAlarm puts an event's setAlarm into force after the event has ended.
// The index has the new alarm already; replaceAlarm removes it there if at is 0.
func (o *object) replaceAlarm(at float64) {
	o.alarm.replaced = true
	o.alarm.retries = 0
	o.alarm.at = max(at, 0)
	if at <= 0 {
		o.dropAlarm()
		return
	}
	o.schedule()
}

func (o *object) dropAlarm() {
	o.unschedule()
	o.alarm.at = 0
	if err := o.s.w.alarms.remove(o.key); err != nil {
		o.report("an alarm was not removed", err)
	}
}

func (o *object) unschedule() {
	if o.alarm.stop != nil {
		o.alarm.stop()
		o.alarm.stop = nil
	}
}

func (o *object) schedule() {
	o.unschedule()
	w := o.s.w
	if o.alarm.running || o.alarm.at <= 0 || w.noAlarms {
		return
	}
	wait := time.UnixMilli(int64(o.alarm.due())).Sub(w.clock.Now())
	o.alarm.stop = w.clock.AfterFunc(max(wait, 0), func() {
		w.hold("alarm", o.key.String())
		o.s.lock()
		defer o.s.unlock()
		o.runAlarm()
	})
}

// runAlarm starts the alarm in the guest, if it is due and not running.
func (o *object) runAlarm() {
	now := float64(o.s.w.clock.Now().UnixMilli())
	if o.s.stopped || o.alarm.running || o.alarm.at <= 0 {
		return
	}
	if o.alarm.due() > now {
		o.schedule()
		return
	}
	o.alarm.running, o.alarm.replaced, o.alarm.full = true, false, o.s.w.disk.failures()
	c := &call{s: o.s, object: o}
	c.onEnd = func() { o.alarmEnded(c.answer) }
	c.begin()
}

// alarmEnded drops an alarm that succeeded. It schedules one that failed again,
// later each time, unless the object has set another.
func (o *object) alarmEnded(a answer) {
	o.alarm.running = false
	w := o.s.w
	if o.s.stopped {
		return
	}
	if o.alarm.replaced {
		o.schedule()
		return
	}
	head, err := abi.DecodeResponse(a.head)
	if a.lost == "" && err == nil && head.Status == 200 {
		o.dropAlarm()
		return
	}
	wait := diskPatience
	if w.disk.failures() == o.alarm.full { // a full disk is no fault of the object, and takes its time
		if o.alarm.retries++; o.alarm.retries > alarmRetries {
			w.log.Error("an alarm was given up", "object", o.key.String(), "retries", alarmRetries)
			o.dropAlarm()
			return
		}
		wait = alarmBackoff << (o.alarm.retries - 1)
	}
	o.alarm.at = float64(w.clock.Now().Add(wait).UnixMilli())
	if err := w.alarms.put(o.key, o.alarm.at, o.alarm.retries); err != nil {
		o.report("an alarm was not stored", err)
	}
	o.schedule()
}

// scheduleAlarms schedules the alarms that an earlier process left in the index.
func (w *Worker) scheduleAlarms() error {
	return w.alarms.each(func(key objectKey, at float64, retries int) {
		s := w.home(key)
		s.lock()
		defer s.unlock()
		o := s.object(key)
		o.alarm.at, o.alarm.retries = at, retries
		if ends := w.ends(key); ends > 0 {
			o.backOff(ends)
		}
		o.schedule()
	})
}

// An alarmIndex stores the alarms of all objects, and how often instances have
// ended in each object. It survives restarts.
type alarmIndex struct {
	mu sync.Mutex
	db *sqliteConn
}

func openAlarmIndex(file string) (*alarmIndex, error) {
	db, err := openSQLite(file, false, 8, "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = NORMAL", `CREATE TABLE IF NOT EXISTS alarms (
			class TEXT, name TEXT, at REAL NOT NULL, retries INTEGER NOT NULL, PRIMARY KEY (class, name)
		) WITHOUT ROWID`, `CREATE TABLE IF NOT EXISTS ends (
			class TEXT, name TEXT, ends INTEGER NOT NULL, running INTEGER NOT NULL, PRIMARY KEY (class, name)
		) WITHOUT ROWID`)
	var refused *SQLError
	if errors.As(err, &refused) && refused.Code == sqlite3.SQLITE_BUSY {
		return nil, fmt.Errorf("another server uses this folder: %w", err)
	}
	if err != nil {
		return nil, err
	}
	x := &alarmIndex{db: db}
	return x, x.countSuspects()
}

func (x *alarmIndex) run(sql string, args ...any) (abi.Result, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db == nil {
		return abi.Result{}, errors.New("the alarms are closed")
	}
	return x.db.run(abi.Statement{SQL: sql, Args: args})
}

func (x *alarmIndex) put(key objectKey, at float64, retries int) error {
	_, err := x.run("INSERT OR REPLACE INTO alarms VALUES (?1, ?2, ?3, ?4)", key.class, key.name, at, retries)
	return err
}

func (x *alarmIndex) remove(key objectKey) error {
	_, err := x.run("DELETE FROM alarms WHERE class = ?1 AND name = ?2", key.class, key.name)
	return err
}

func (x *alarmIndex) each(f func(key objectKey, at float64, retries int)) error {
	all, err := x.run("SELECT class, name, at, retries FROM alarms ORDER BY at")
	if err != nil {
		return err
	}
	for _, row := range all.Rows {
		class, ok1 := row[0].(abi.Text)
		name, ok2 := row[1].(abi.Text)
		at, ok3 := row[2].(float64)
		retries, ok4 := row[3].(float64)
		if !(ok1 && ok2 && ok3 && ok4) {
			return fmt.Errorf("the alarms are malformed: %v", row)
		}
		f(objectKey{string(class), string(name)}, at, int(retries))
	}
	return nil
}

func (x *alarmIndex) end(closeConn func(*sqliteConn) error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db == nil {
		return nil
	}
	db := x.db
	x.db = nil
	return closeConn(db)
}
