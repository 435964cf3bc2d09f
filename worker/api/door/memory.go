package door

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidemark/shared/account"
	"tidemark/shared/web"
	"tidemark/worker/store"
)

// How an instance's memory is divided: its account gives half of it, and a
// sixteenth more to small claims. The rest is for the program itself, for the one
// event of a room that runs, and for garbage.
const (
	accountShare = 2
	reserveShare = 16
)

// SmallClaim is the greatest small claim, in bytes.
const SmallClaim = 512 << 10

// Memory is the account of an instance's memory. Documents in memory are a cache
// that may fill what requests do not hold, and gives way to them.
type Memory struct {
	mu      sync.Mutex // never held over an op
	account *account.Account
	granted func(bytes int)
	full    func() bool
	move    func(context.Context)
}

// NewMemory divides that many bytes.
func NewMemory(bytes int) *Memory {
	m := &Memory{granted: func(int) {}, full: func() bool { return false }, move: func(context.Context) {}}
	m.Divide(bytes)
	return m
}

// Divide divides that many bytes, before the first request.
func (m *Memory) Divide(bytes int) {
	m.account = account.New(bytes/accountShare, bytes/reserveShare, SmallClaim)
}

// Free returns how many bytes no request holds or waits for.
func (m *Memory) Free() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, m.account.Capacity()-m.account.Held())
}

// Granted has f called after each grant of a large claim, with its bytes.
func (m *Memory) Granted(f func(bytes int)) { m.granted = f }

// FullIf rejects a request that begins with a large claim while full says that the
// instance has grown too large for that. The request calls move, which may have another
// instance begin it anew. Otherwise the response is 503.
func (m *Memory) FullIf(full func() bool, move func(context.Context)) { m.full, m.move = full, move }

// How long a request waits for memory, in steps that are longer the more other
// requests are before it, and how many may wait.
const (
	memoryPatience = 5 * time.Second
	shortestStep   = 10 * time.Millisecond
	longestStep    = 200 * time.Millisecond
	mostWaiting    = 512
)

// A Share is what one request holds of its instance's memory, until it ends.
type Share struct {
	context.Context // of the request
	memory          *Memory
	sleep           func(context.Context, time.Duration) error // nil: the request does not wait
	claim           account.Claim
	kept            int  // bytes that the request does not give back: its body, and responses
	begun           bool // the request was granted a large claim before
	waited          bool // without success: the request does not wait again
}

type shareKey struct{}

// WithShare gives the request a share, which the caller ends.
func (d *Door) WithShare(r *web.Request) (*web.Request, *Share) {
	m := &Share{Context: r.Context(), memory: d.Memory, sleep: d.Sleep}
	return r.WithContext(m), m
}

// Value makes the share the context of its request.
func (m *Share) Value(key any) any {
	if key == (shareKey{}) {
		return m
	}
	return m.Context.Value(key)
}

func shareOf(ctx context.Context) *Share {
	m, _ := ctx.Value(shareKey{}).(*Share)
	return m
}

// Hold sets how many bytes the request of ctx holds besides what it keeps. If the
// request needs more than before, it first gives back what it held, and waits for its
// turn. Hold returns ErrBusy if the turn does not come in time, and a failure of the kind
// PayloadTooLarge if the instance never has so much.
func Hold(ctx context.Context, bytes int) error {
	m := shareOf(ctx)
	if m.kept+bytes > m.claim.Held() {
		m.ask(m.kept) // others may wait for the rest
	}
	return grow(ctx, bytes)
}

// grow is Hold for a request that still uses what it held.
func grow(ctx context.Context, bytes int) error {
	m := shareOf(ctx)
	if m.late(m.kept + bytes) {
		m.memory.move(ctx)
		return ErrBusy
	}
	switch m.ask(m.kept + bytes) {
	case account.Granted:
		return nil
	case account.Never:
		return Fail(PayloadTooLarge, fmt.Sprintf(
			"The request takes %d bytes of memory, and of LIMIT_MEMORY_MB one request can have %d", m.kept+bytes, m.memory.account.Capacity()))
	}
	for waited := time.Duration(0); ; {
		late := m.late(m.kept + bytes)
		ready, before := m.ready()
		if ready && !late {
			return nil
		}
		if late || waited >= memoryPatience || before >= mostWaiting || m.sleep == nil || m.waited {
			m.waited = true
			m.cancel()
			if late {
				m.memory.move(ctx)
			}
			return ErrBusy
		}
		step := min(shortestStep*time.Duration(before+1), longestStep)
		if err := m.sleep(ctx, step); err != nil {
			m.cancel()
			return err
		}
		waited += step
	}
}

// busy says whether a request with a large claim might wait.
func busy(ctx context.Context) bool {
	m := shareOf(ctx).memory
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.account.Waiting() > 0 || 2*m.account.Held() > m.account.Capacity()
}

// late says whether a request asks for its first large claim of an instance that is
// full.
func (m *Share) late(bytes int) bool { return bytes > SmallClaim && !m.begun && m.memory.full() }

// Keep has the request of ctx keep all that it holds, whatever it holds later.
func Keep(ctx context.Context) {
	m := shareOf(ctx)
	m.kept = m.claim.Held()
}

// Give has the request of ctx hold that many bytes, which it hands to a room, and
// keep nothing: the room has memory of its own for more.
func Give(ctx context.Context, bytes int) {
	m := shareOf(ctx)
	m.kept = 0
	m.ask(bytes)
}

// Budget has the store hold memory for the request of its context.
var Budget = store.Budget{Hold: Hold, Grow: grow, Busy: busy}

func (m *Share) ask(bytes int) account.Verdict {
	m.memory.mu.Lock()
	verdict := m.memory.account.Hold(&m.claim, bytes)
	m.memory.mu.Unlock()
	if verdict == account.Granted && bytes > SmallClaim {
		m.begin(bytes)
	}
	return verdict
}

func (m *Share) ready() (ready bool, before int) {
	m.memory.mu.Lock()
	ready, before = m.memory.account.Ready(&m.claim)
	m.memory.mu.Unlock()
	if ready {
		m.begin(m.claim.Held())
	}
	return ready, before
}

// begin notes that the request was granted a large claim.
func (m *Share) begin(bytes int) {
	m.begun = true
	m.memory.granted(bytes)
}

func (m *Share) cancel() {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	m.memory.account.Cancel(&m.claim)
}

// End gives everything back.
func (m *Share) End() {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	m.memory.account.Leave(&m.claim)
}

// bodyTimes is how much memory a request with a body takes, in multiples of the
// body: the body, what is decoded of it, and the frame of the op that sends that to
// the database or to a room.
const bodyTimes = 3

// holdBody holds what a body takes, before it is read: of the length that the
// client announces, or of the limit if it announces none.
func holdBody(ctx context.Context, announced, limit int64) error {
	if announced < 0 {
		announced = limit
	}
	return Hold(ctx, bodyTimes*int(announced))
}

// keepBody holds, and keeps, what the body takes that was read.
func keepBody(ctx context.Context, body []byte) {
	shareOf(ctx).ask(bodyTimes * len(body))
	Keep(ctx)
}
