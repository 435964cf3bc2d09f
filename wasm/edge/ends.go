//go:build !js

package edge

import "time"

// endBackoffLimit is the longest that an alarm waits because of ends.
const endBackoffLimit = time.Hour

// ended remembers that an instance has ended in an event or alarm of the
// object, and puts its alarms off: longer each time, for they may well end the
// next one.
func (o *object) ended() {
	w := o.s.w
	if _, err := w.alarms.run(`INSERT INTO ends VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET ends = ends + 1`,
		o.key.class, o.key.name); err != nil {
		w.log.Error("the end of an instance was not stored", "object", o.key.String(), "err", err)
	}
	o.backOff(max(w.ends(o.key), 1))
}

func (o *object) backOff(ends int) {
	wait := endBackoffLimit
	if ends < 16 {
		wait = min(wait, alarmBackoff<<(ends-1))
	}
	o.alarm.notBefore = float64(o.s.w.clock.Now().Add(wait).UnixMilli())
}

// forgive is object_forgive, once the event has ended.
func (o *object) forgive() {
	o.forgiven = false
	o.alarm.notBefore = 0
	if _, err := o.s.w.alarms.run("DELETE FROM ends WHERE class = ?1 AND name = ?2", o.key.class, o.key.name); err != nil {
		o.s.w.log.Error("the ends of an object were not forgiven", "object", o.key.String(), "err", err)
	}
}

// ends is how often an instance has ended in an object since it was forgiven.
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
