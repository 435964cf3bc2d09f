//go:build !js

package edge

import (
	"net/http"
	"slices"

	"tidemark/shared/abi"
)

// wasBusy is why a request that waited too long for its object gets 503.
const wasBusy = "the object is busy; try again later"

// pass returns the answer of c, a call for r that is finished. If the guest has forwarded
// the request to an object, pass delivers it there and returns the object's answer.
func (w *Worker) pass(c *call, r *http.Request) answer {
	if c.answer.forward == nil {
		return c.answer
	}
	f, err := abi.DecodeForward(c.answer.forward)
	if err != nil || !f.Request {
		return c.answer // write fails, or opens the socket
	}
	fail := func(reason string) answer {
		w.log.Error("a request was not delivered to an object", "binding", f.Binding, "name", f.Name, "err", reason)
		return answer{lost: reason}
	}
	class, ok := w.bindings[f.Binding]
	if !ok {
		return fail("no such binding")
	}
	body, taken := c.handOverBody()
	if taken {
		return fail("the guest forwarded a request whose body it had taken")
	}
	key := objectKey{class, f.Name}
	w.hold("request", key.String())
	d := &call{s: w.home(key), head: c.head, data: f.Attachment, body: body, replayable: repeatable(r)}
	d.s.lock()
	d.object = d.s.object(key)
	d.run()
	if next, err := abi.DecodeForward(d.answer.forward); d.answer.forward != nil && err == nil && next.Request {
		return fail("an object forwarded a request to another object")
	}
	return d.answer
}

// repeatable reports whether a request may run twice.
func repeatable(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// handOverBody takes the body from a call that has responded, for another call. taken
// reports whether the guest has asked for it.
func (c *call) handOverBody() (b *body, taken bool) {
	c.s.lock()
	defer c.s.unlock()
	b, c.body = c.body, nil
	if b == nil {
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.responded = false
	return b, b.taken
}

// beginInObject is begin for a request or alarm of an object. If the object's instance is
// full, the call waits until the object can move to the next one.
func (c *call) beginInObject() {
	o := c.s.object(c.object.key) // again, because the isolate may have forgotten it
	c.object = o
	if o.mustDrain() {
		o.queue = append(o.queue, c)
		c.count()
		c.unlimit()
		if !c.isAlarm() {
			c.limit()
			o.hurryAlarm()
		}
		return
	}
	i, err := o.bind()
	if err != nil {
		c.respond(answer{lost: notBooted(err)})
		c.end()
		return
	}
	c.enroll(i)
	o.calls = append(o.calls, c)
	if c.isAlarm() {
		o.enter(i, c, i.exports.alarm, c.id, o.id)
	} else {
		o.enter(i, c, i.exports.objectRequest, c.id, o.id, i.keep(c.head), int32(len(c.head)), c.body.announced(),
			i.keep(c.data), int32(len(c.data)))
	}
	c.endIfDone()
}

// hurryAlarm has the alarm that runs wait for no other server any longer: requests wait for the
// alarm, or the Worker closes.
func (o *object) hurryAlarm() {
	for _, c := range o.calls {
		if c.isAlarm() {
			c.stopFetches()
		}
	}
}

// isAlarm reports whether a call of an object is its alarm.
func (c *call) isAlarm() bool { return c.head == nil }

// mustDrain reports whether the object's instance takes no new call while those of the
// object that are under way keep the object there.
func (o *object) mustDrain() bool {
	return o.i != nil && !o.i.dead && o.i != o.s.current && len(o.calls) > 0
}

// leave removes a call that is no longer under way in the object's instance. After the
// last one, the calls that wait begin in the next instance.
func (o *object) leave(c *call) {
	at := slices.Index(o.calls, c)
	if at < 0 {
		return
	}
	o.calls = slices.Delete(o.calls, at, at+1)
	o.touch() // so that the isolate forgets it in time
	if len(o.calls) == 0 && len(o.queue) > 0 {
		o.s.todo = append(o.s.todo, o.admit)
	}
}

// admit begins the calls that wait, in their order, until the instance is full.
func (o *object) admit() {
	for len(o.queue) > 0 && !o.mustDrain() {
		c := o.queue[0]
		o.queue = slices.Delete(o.queue, 0, 1)
		c.unlimit()
		c.begin()
	}
}

// waits reports whether the call is in its object's queue. unqueue removes it there.
func (c *call) waits() bool { return c.object != nil && slices.Contains(c.object.queue, c) }

func (c *call) unqueue() {
	c.object.queue = slices.DeleteFunc(c.object.queue, func(other *call) bool { return other == c })
}
