package yroom

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"tidemark/shared/metric"
	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/shared/yjs"
)

// A Task is work of the host after an alarm, outside of the room: it needs the database.
type Task struct {
	Kind TaskKind
	Copy Copy // of TaskCopy
}

// A TaskKind tells Tasks apart.
type TaskKind uint8

const (
	// TaskSeed: read the database's state and pass it to Seeded. Sockets wait for the alarm,
	// because only an alarm may wait for the database. The Worker does not wait: see OpSeed.
	TaskSeed TaskKind = iota + 1
	// TaskCopy: write Copy to the database and call Copied.
	TaskCopy
)

// A Copy names the snapshot to write to the database: parts 0 to Parts-1 of Gen. Without parts,
// the room was deleted, and the host deletes its copy.
type Copy struct {
	Gen     int64
	Parts   int
	Last    int64 // the last row it contains
	Version int64 // updated_at to write, above that of the copy before
}

const (
	compactDelay = time.Second
	busyDelay    = 5 * time.Second // to the next try if there was no memory
	maxBackoff   = 5 * time.Minute
	maxDelay     = time.Hour
	lease        = 90 * time.Second      // for a task: hosts limit a call to 60 seconds
	early        = 50 * time.Millisecond // an alarm that comes so much before its time counts as due
)

// delay returns the time from an edit to maintenance. The copy of a large document costs more,
// so the room makes it less often.
func (r *Room) delay() time.Duration {
	d := r.config.CopyDelay * time.Duration(1+(r.meta.Size+r.log.bytes)/(256<<10))
	return min(d, maxDelay)
}

// logDue reports whether the log has become expensive to read, or takes the space that is left
// for the document.
func (r *Room) logDue() bool {
	limit := r.config.DocumentBytes
	if r.meta.Size+r.log.bytes > limit-limit/16 && r.log.bytes > limit/32 {
		return true
	}
	return r.log.bytes > max(64<<10, r.meta.Size/2) || r.log.updates > 4000+r.meta.Size/4096
}

// edited plans maintenance after an edit.
func (r *Room) edited(now time.Time) {
	due := now.Add(r.delay())
	if r.logDue() {
		due = now.Add(compactDelay)
	}
	if !r.meta.Seeded || r.config.CopiesFirst && r.meta.Version == 0 {
		due = now
	}
	// After a failure, failed has set the time of the next try.
	if r.meta.Due == 0 || r.meta.Failures == 0 && due.UnixMilli() < r.meta.Due {
		r.plan(due)
	}
}

func (r *Room) plan(due time.Time) {
	millis := int64(0)
	if !due.IsZero() {
		millis = due.UnixMilli()
	}
	if r.meta.Due != millis {
		r.meta.Due, r.dueSet = millis, true
	}
}

// nextAlarm returns the time of Alarm's next work, without breakSilence; zero is never.
func (r *Room) nextAlarm() time.Time {
	return session.Sooner(session.Sooner(r.present.nextDeparture(), r.ends), r.due())
}

// due returns the time of maintenance; zero is never.
func (r *Room) due() time.Time {
	if r.meta.Due == 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.meta.Due)
}

// Alarm does the work that is due. The host performs the Effects and then their Task, and
// passes the task's outcome to Seeded or Copied. Other events may come in between.
func (r *Room) Alarm(now time.Time) (Effects, error) {
	r.set = false // the alarm that was set has gone off
	r.endSessions(now, early)
	r.present.depart(now.Add(early))
	if r.meta.Due == 0 || time.UnixMilli(r.meta.Due).After(now.Add(early)) {
		return r.done(now), nil
	}
	if !r.meta.Seeded {
		return r.doTask(Task{Kind: TaskSeed}, now), nil
	}
	err := r.compact()
	r.out.Compaction = resultOf(err)
	if errors.Is(err, errBusy) {
		r.plan(now.Add(busyDelay))
		return r.done(now), nil
	}
	if err != nil && !errors.Is(err, errCostly) {
		return Effects{Compaction: metric.Failed}, err
	}
	if err == nil && r.meta.CopiedGen == r.meta.Gen && r.meta.CopiedLast != r.last { // the copy is up to date
		r.meta.CopiedLast, r.metaSet = r.last, true
	}
	if err != nil || r.meta.CopiedLast == r.last { // storage that the room cannot read stays as it is
		r.plan(time.Time{})
		return r.done(now), nil
	}
	parts := (r.meta.Size + r.config.ChunkBytes - 1) / r.config.ChunkBytes
	version := max(now.UnixMilli(), r.meta.Version+1)
	return r.doTask(Task{Kind: TaskCopy, Copy: Copy{Gen: r.meta.Gen, Parts: parts, Last: r.last, Version: version}}, now), nil
}

// resultOf returns the result of a compaction.
func resultOf(err error) string {
	switch {
	case err == nil:
		return metric.Done
	case errors.Is(err, errBusy):
		return metric.Skipped
	}
	return metric.Failed
}

// Behind reports whether the database's copy is to be written anew. It is not if the room cannot
// read its storage.
func (r *Room) Behind() bool { return r.meta.Due != 0 && r.last > r.meta.CopiedLast }

// CopiedLast is the last row that the database's copy contains, as far as the room knows.
func (r *Room) CopiedLast() int64 { return r.meta.CopiedLast }

// CopyDue is when the copy is to be written that Behind reports; zero: it is not.
func (r *Room) CopyDue() time.Time {
	if !r.Behind() {
		return time.Time{}
	}
	return r.due()
}

// CopyFailures is how often in a row the host failed to write the copy.
func (r *Room) CopyFailures() int {
	if !r.meta.Seeded { // it failed to read the copy
		return 0
	}
	return r.meta.Failures
}

// doTask plans the next try before the host begins the task. If the task never ends, the host
// begins it again then.
func (r *Room) doTask(task Task, now time.Time) Effects {
	r.tasked = true
	r.plan(now.Add(lease))
	out := r.done(now)
	out.Task = task
	return out
}

// backoff returns the time to wait after a number of failures.
func backoff(failures int) time.Duration {
	return min(2*time.Second<<min(failures, 16), maxBackoff)
}

// compact makes a snapshot of snapshot and log.
func (r *Room) compact() error {
	if r.log.updates == 0 {
		return nil
	}
	d, err := r.read()
	if err != nil {
		return err
	}
	if d.doc == nil {
		if err := r.shed(d); err != nil {
			return fmt.Errorf("compact: %w", err)
		}
	}
	if d.doc != nil {
		if err := r.reserve(d.size()); err != nil { // for the snapshot, beside the document
			return err
		}
	}
	state, err := d.diff(nil)
	if err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	r.replace(state, r.last)
	r.log = log{}
	return nil
}

// replace makes state the snapshot of the rows up to through, unless it is that already. It
// first deletes the parts of an interrupted replacement, then writes its own. The meta row,
// which comes last, puts them into force.
func (r *Room) replace(state []byte, through int64) {
	if sum := sumOf(state); sum != r.meta.Sum {
		r.write(Write{Sweep: true})
		r.meta.Gen++
		for i := 0; i*r.config.ChunkBytes < len(state); i++ {
			piece := state[i*r.config.ChunkBytes : min(len(state), (i+1)*r.config.ChunkBytes)]
			r.write(Write{Part: &Part{Gen: r.meta.Gen, N: i, Bytes: piece}})
		}
		r.meta.Size, r.meta.Sum = len(state), sum
	}
	r.meta.Compacted = through
	r.sweep()
}

// A Sum is the first half of a SHA-256, so that no client can make two states with the same Sum.
type Sum [sha256.Size / 2]byte

func sumOf(state []byte) Sum {
	sum := sha256.Sum256(state)
	return Sum(sum[:])
}

// sweep makes this event store the meta row and then delete the obsolete rows and parts.
func (r *Room) sweep() { r.metaSet, r.sweepSet = true, true }

// Seeded takes the database's state: an update in format V1 or V2, nil if there is none. If
// the host could not read the state, or the state is invalid, the room closes the waiting
// sockets and asks for the state again later. It does not overwrite the state meanwhile.
func (r *Room) Seeded(state []byte, version int64, err error, now time.Time) (Effects, error) {
	r.tasked = false
	if r.meta.Seeded {
		return r.done(now), nil
	}
	copied := state
	if err == nil {
		state, err = readable(copied)
	}
	if err != nil {
		r.failed(now)
		for _, conn := range r.waiting() {
			r.close(conn, room.CloseLater, "the stored document cannot be read; try again later")
		}
		return r.done(now), nil
	}
	r.doc = nil
	r.meta.Seeded, r.meta.Failures, r.meta.Version, r.meta.Due, r.metaSet = true, 0, version, 0, true
	if len(state) > 0 {
		r.replace(state, r.meta.Compacted) // updates that the log holds already stay in it
		if bytes.Equal(copied, state) {
			r.meta.CopiedGen = r.meta.Gen
		}
	}
	if r.last > r.meta.CopiedLast {
		r.edited(now)
	}
	for _, conn := range r.waiting() {
		s := r.sockets[conn]
		if err := r.answer(conn, s, s.vector); err != nil {
			if err := r.failStep1(conn, err); err != nil {
				return Effects{}, err
			}
		}
		s.waiting, s.vector = false, nil
		r.attach(conn)
	}
	return r.done(now), nil
}

// waiting returns the sockets whose step 1 has no reply yet, ascending.
func (r *Room) waiting() []Conn {
	var conns []Conn
	for conn, s := range r.sockets {
		if s.waiting && !s.closed {
			conns = append(conns, conn)
		}
	}
	slices.Sort(conns)
	return conns
}

// readable returns state as a valid update of format V1; nil if it is empty.
func readable(state []byte) ([]byte, error) {
	if len(state) == 0 {
		return nil, nil
	}
	summary, err := yjs.Validate(state, storedLimits)
	if err != nil {
		v1, v2err := yjs.ConvertV2ToV1(state)
		if v2err != nil {
			return nil, fmt.Errorf("the stored state is no update: %w", err)
		}
		if summary, err = yjs.Validate(v1, storedLimits); err != nil {
			return nil, fmt.Errorf("the stored state is no update: %w", err)
		}
		state = v1
	}
	if summary.Empty() {
		return nil, nil
	}
	return state, nil
}

// Copied takes the outcome of writing a Copy. After an error the room plans another try.
func (r *Room) Copied(c Copy, err error, now time.Time) Effects {
	r.tasked = false
	if err != nil {
		r.failed(now)
		return r.done(now)
	}
	r.meta.CopiedLast = max(r.meta.CopiedLast, c.Last)
	r.meta.CopiedGen = max(r.meta.CopiedGen, c.Gen)
	r.meta.Version = max(r.meta.Version, c.Version)
	r.meta.Failures, r.metaSet = 0, true
	r.plan(time.Time{})
	if r.last > r.meta.CopiedLast {
		r.edited(now)
	}
	return r.done(now)
}

// failed plans the next try of maintenance.
func (r *Room) failed(now time.Time) {
	r.meta.Failures++
	r.metaSet = true
	r.plan(now.Add(backoff(r.meta.Failures)))
}
