//go:build !js

package edge

import (
	"errors"
	"time"

	"github.com/coder/websocket"
)

// endBackoffLimit is the longest that an alarm waits because of ends.
const endBackoffLimit = time.Hour

// ended remembers that an instance has ended in an event or alarm of the
// object, and puts its alarms off: longer each time, for they may well end the
// next one. One that ran too long would be kept busy by the next message again:
// its sockets are closed.
func (o *object) ended(err error) {
	w := o.s.w
	if _, err := w.alarms.run(`INSERT INTO ends VALUES (?1, ?2, 1, 0)
		ON CONFLICT DO UPDATE SET ends = ends + 1, running = 0`, o.key.class, o.key.name); err != nil {
		w.log.Error("the end of an instance was not stored", "object", o.key.String(), "err", err)
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

// suspect remembers that the object has kept its instance busy for long, in case
// the process is killed for it.
func (o *object) suspect() {
	if _, err := o.s.w.alarms.run(`INSERT INTO ends VALUES (?1, ?2, 0, 1) ON CONFLICT DO UPDATE SET running = 1`,
		o.key.class, o.key.name); err != nil {
		o.s.w.log.Error("a long event was not noted", "object", o.key.String(), "err", err)
	}
}

// unsuspect is for an event that was long and has returned.
func (o *object) unsuspect() {
	if _, err := o.s.w.alarms.run(`UPDATE ends SET running = 0 WHERE class = ?1 AND name = ?2`,
		o.key.class, o.key.name); err != nil {
		o.s.w.log.Error("a long event was not noted", "object", o.key.String(), "err", err)
	}
}

// convict counts as ends what was running for long when an earlier process
// ended, and forgets whom nothing is held against.
func (x *alarmIndex) convict() error {
	_, err := x.run("UPDATE ends SET ends = ends + 1, running = 0 WHERE running = 1")
	if err == nil {
		_, err = x.run("DELETE FROM ends WHERE ends = 0")
	}
	return err
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
