package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"tidemark/shared/account"
	"tidemark/shared/trpc"
	"tidemark/worker/store"
)

// How an instance's memory is divided: its account gives half of it, and a
// sixteenth more to small claims. The rest is for the program itself, for the one
// event of a room that runs, and for garbage.
const (
	accountShare = 2
	reserveShare = 16
	smallClaim   = 512 << 10 // bytes
)

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
	return &Memory{account: account.New(bytes/accountShare, bytes/reserveShare, smallClaim), granted: func(int) {}, full: func() bool { return false }, move: func(context.Context) {}}
}

// Free is how many bytes no request holds or waits for.
func (m *Memory) Free() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, m.account.Capacity()-m.account.Held())
}

// Granted has f called after each grant of much memory, of that many bytes.
func (m *Memory) Granted(f func(bytes int)) { m.granted = f }

// FullIf has no request begin with much memory while full says that the instance has
// grown too large for that. Such a request is refused with 503, which nobody hears if
// move has another instance begin it anew.
func (m *Memory) FullIf(full func() bool, move func(context.Context)) { m.full, m.move = full, move }

// How long a request waits for memory, in steps that are longer the more others
// are before it, and how many may wait.
const (
	memoryPatience = 5 * time.Second
	shortestStep   = 10 * time.Millisecond
	longestStep    = 200 * time.Millisecond
	mostWaiting    = 512
)

var errBusy = &failure{
	trpc.Error{Code: trpc.ServiceUnavailable, Message: "The server has no memory to spare at the moment: ask again in 2 s"}, "Retry-After", "2",
}

// A share is what one request holds of its instance's memory, until it ends.
type share struct {
	memory *Memory
	sleep  func(context.Context, time.Duration) error // nil: nobody waits
	claim  account.Claim
	kept   int  // bytes of what it has: its body, and answers
	begun  bool // it was granted much before
	waited bool // in vain: its other calls do not wait, too
}

type shareKey struct{}

// withShare gives the request a share, which the caller ends.
func (s *server) withShare(r *http.Request) (*http.Request, *share) {
	m := &share{memory: s.Memory, sleep: s.Sleep}
	return r.WithContext(context.WithValue(r.Context(), shareKey{}, m)), m
}

func shareOf(ctx context.Context) *share {
	m, _ := ctx.Value(shareKey{}).(*share)
	return m
}

// hold sets how many bytes the request of ctx holds besides what it keeps. If it needs
// more than before, it first gives back what it held, and waits its turn. In the end the
// request is refused: with 503, or with 413 if the instance never has so much.
func hold(ctx context.Context, bytes int) error {
	m := shareOf(ctx)
	if m.kept+bytes > m.claim.Held() {
		m.ask(m.kept) // others may wait for the rest
	}
	return grow(ctx, bytes)
}

// grow is hold for a request that still uses what it held.
func grow(ctx context.Context, bytes int) error {
	m := shareOf(ctx)
	if m.late(m.kept + bytes) {
		m.memory.move(ctx)
		return errBusy
	}
	switch m.ask(m.kept + bytes) {
	case account.Granted:
		return nil
	case account.Never:
		return &trpc.Error{Code: trpc.PayloadTooLarge, Message: fmt.Sprintf(
			"The request takes %d bytes of memory, and of LIMIT_MEMORY_MB one request can have %d", m.kept+bytes, m.memory.account.Capacity())}
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
			return errBusy
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

// late says whether a request that has not begun asks for that much of an instance
// that is full.
func (m *share) late(bytes int) bool { return bytes > smallClaim && !m.begun && m.memory.full() }

// keep has the request of ctx keep all that it holds, whatever it holds later.
func keep(ctx context.Context) {
	m := shareOf(ctx)
	m.kept = m.claim.Held()
}

// give has the request of ctx hold that many bytes, of what it gives away, and keep
// nothing: whoever takes them has memory of its own for more.
func give(ctx context.Context, bytes int) {
	m := shareOf(ctx)
	m.kept = 0
	m.ask(bytes)
}

// memoryBudget has the store hold memory for the request of its context.
var memoryBudget = store.Budget{Hold: hold, Grow: grow, Busy: busy}

func (m *share) ask(bytes int) account.Verdict {
	m.memory.mu.Lock()
	verdict := m.memory.account.Hold(&m.claim, bytes)
	m.memory.mu.Unlock()
	if verdict == account.Granted && bytes > smallClaim {
		m.begin(bytes)
	}
	return verdict
}

func (m *share) ready() (ready bool, before int) {
	m.memory.mu.Lock()
	ready, before = m.memory.account.Ready(&m.claim)
	m.memory.mu.Unlock()
	if ready {
		m.begin(m.claim.Held())
	}
	return ready, before
}

// begin says that the request has that much memory.
func (m *share) begin(bytes int) {
	m.begun = true
	m.memory.granted(bytes)
}

func (m *share) cancel() {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	m.memory.account.Cancel(&m.claim)
}

// end gives everything back.
func (m *share) end() {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	m.memory.account.Leave(&m.claim)
}

// bodyTimes is how much memory a request with a body takes, in multiples of the
// body: itself, what was decoded of it, and the frame of the op that sends that to
// the database or to a room.
const bodyTimes = 3

// holdBody holds what a body takes, before it is read: of the length that the
// client announces, or of the limit if it announces none.
func holdBody(ctx context.Context, announced, limit int64) error {
	if announced < 0 {
		announced = limit
	}
	return hold(ctx, bodyTimes*int(announced))
}

// keepBody holds, and keeps, what the body that came takes.
func keepBody(ctx context.Context, body []byte) {
	shareOf(ctx).ask(bodyTimes * len(body))
	keep(ctx)
}
