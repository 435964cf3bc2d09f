//go:build !js

package edge

import (
	"errors"
	"time"

	"github.com/coder/websocket"
)

// endBackoffLimit is the longest time that ended instances delay an alarm.
const endBackoffLimit = time.Hour

// ended counts that an instance has ended in an event or alarm of the object. It
// delays the object's alarm, longer each time, because the alarm may end the next
// instance, too. If the instance ran too long, ended also closes the object's
// sockets: their next message would keep the next instance busy again.
func (o *object) ended(err error) {
	w := o.s.w
	if _, err := w.alarms.run(`INSERT INTO ends VALUES (?1, ?2, 1, 0)
		ON CONFLICT DO UPDATE SET ends = ends + 1, running = 0`, o.key.class, o.key.name); err != nil {
		o.report("the end of an instance was not stored", err)
	}
	o.backOff(max(w.ends(o.key), 1))
	if errors.Is(err, errTooLong) {
		for _, c := range o.conns {
			c.shut(int(websocket.StatusTryAgainLater), "the room took too long")
		}
	}
}

func (o *object) backOff(ends int) {
	wait := endBackoffLimit
	if ends < 16 {
		wait = min(wait, alarmBackoff<<(ends-1))
	}
	o.alarm.notBefore = float64(o.s.w.clock.Now().Add(wait).UnixMilli())
}

// suspect records that an event of the object is running for long. The record
// stays if the process is killed meanwhile.
func (o *object) suspect() {
	if _, err := o.s.w.alarms.run(`INSERT INTO ends VALUES (?1, ?2, 0, 1) ON CONFLICT DO UPDATE SET running = 1`,
		o.key.class, o.key.name); err != nil {
		o.report("a long event was not noted", err)
	}
}

// unsuspect removes the record after the event has returned.
func (o *object) unsuspect() {
	_, err := o.s.w.alarms.run(`DELETE FROM ends WHERE class = ?1 AND name = ?2 AND ends = 0`, o.key.class, o.key.name)
	if err == nil {
		_, err = o.s.w.alarms.run(`UPDATE ends SET running = 0 WHERE class = ?1 AND name = ?2`, o.key.class, o.key.name)
	}
	if err != nil {
		o.report("a long event was not noted", err)
	}
}

// countSuspects counts an end for each object whose long event was running when
// an earlier process ended. It deletes the rows of objects without ends.
func (x *alarmIndex) countSuspects() error {
	_, err := x.run("UPDATE ends SET ends = ends + 1, running = 0 WHERE running = 1")
	if err == nil {
		_, err = x.run("DELETE FROM ends WHERE ends = 0")
	}
	return err
}

// forgive does the work of object_forgive after the event has ended.
func (o *object) forgive() {
	o.forgiven = false
	o.alarm.notBefore = 0
	if _, err := o.s.w.alarms.run("DELETE FROM ends WHERE class = ?1 AND name = ?2", o.key.class, o.key.name); err != nil {
		o.report("the ends of an object were not forgiven", err)
	}
}

// ends is how often an instance has ended in an object since its object_forgive.
func (w *Worker) ends(key objectKey) int {
	r, err := w.alarms.run("SELECT ends FROM ends WHERE class = ?1 AND name = ?2", key.class, key.name)
	if err != nil {
		w.log.Error("the ends of an object were not read", "object", key.String(), "err", err)
		return 0
	}
	if len(r.Rows) == 0 {
		return 0
	}
	n, _ := r.Rows[0][0].(float64)
	return int(n)
}
