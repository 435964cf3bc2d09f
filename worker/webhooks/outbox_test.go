//go:build !js

package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/logline"
	"tidemark/shared/webhook"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/outbox"
)

// A bench is an outbox in a database, a clock and a receiver.
type bench struct {
	t        *testing.T
	db       store.DB
	box      *Outbox
	now      time.Time
	log      bytes.Buffer
	requests []abi.Fetch
	status   int
	hangs    bool
	starts   int
	during   func() // the next request
}

func newBench(t *testing.T, e outbox.Entry) *bench {
	b := &bench{t: t, db: wasmtest.OpenD1(t, store.Migrations()), now: time.UnixMilli(1_700_000_000_000), status: 204}
	b.start(e)
	return b
}

// start is a start of the server.
func (b *bench) start(e outbox.Entry) {
	b.starts++
	b.instance(e)
}

// instance is a new instance, in the same start of the server.
func (b *bench) instance(e outbox.Entry) {
	now := func() time.Time { return b.now }
	c := &Courier{
		Config: webhook.Config{URL: "https://receiver", Secrets: [][]byte{make([]byte, 24)}},
		Web:    b, List: outbox.NewList(b.db), Now: now, Log: logline.New(func(line []byte) { b.log.Write(line) }, now), Start: strconv.Itoa(b.starts),
	}
	if b.box = c.New(b.db, outbox.OfRows, e); e == (outbox.Entry{}) {
		b.box = c.NewRoot(b.db)
	}
	if err := b.box.Open(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) Fetch(_ context.Context, f abi.Fetch) (got abi.Fetched, err error) {
	b.requests = append(b.requests, f)
	if during := b.during; during != nil {
		b.during = nil
		during()
	}
	if b.hangs {
		b.now = b.now.Add(f.Timeout)
		return got, errors.New("it took too long")
	}
	got.Status = b.status
	return got, nil
}

func (b *bench) run(statements ...abi.Statement) []abi.Result {
	b.t.Helper()
	results, err := b.db.Batch(context.Background(), statements)
	if err != nil {
		b.t.Fatal(err)
	}
	b.box.Noted(store.Announced(statements, results))
	return results
}

func (b *bench) change(kind webhook.Type, key string) {
	b.t.Helper()
	b.run(store.Announce("SELECT ?1, ?2", string(kind), key))
}

// ring runs the alarm at its time.
func (b *bench) ring() {
	b.t.Helper()
	if b.box.Due().IsZero() {
		b.t.Fatal("no alarm is set")
	}
	if b.box.Due().After(b.now) {
		b.now = b.box.Due()
	}
	b.box.Deliver(context.Background())
}

func (b *bench) inspect() Status {
	b.t.Helper()
	var s Status
	if err := json.Unmarshal(b.box.Call([]byte{prefix, messageStatus}), &s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

// bodies returns the bodies of the requests, and forgets them.
func (b *bench) bodies() (bodies []string) {
	for _, f := range b.requests {
		_, data, _ := strings.Cut(string(f.Body), `,"data":`)
		bodies = append(bodies, strings.TrimSuffix(data, "}"))
	}
	b.requests = nil
	return bodies
}

func header(f abi.Fetch, name string) string {
	for _, h := range f.Header {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}

// W3: an event is sent at 0 s, 5 s, 35 s, 155 s, 755 s, and then hourly, also if the server starts again
// in between. Each attempt has its own time, and its signature.
func TestAnEventIsSentAgainAtItsTimes(t *testing.T) {
	b := newBench(t, outbox.Entry{Space: "acme"})
	b.status = 302
	b.change(webhook.ProjectChanged, "p")
	begin := b.now
	var at []int
	for range 8 {
		b.ring()
		at = append(at, int(b.now.Sub(begin).Seconds()))
		b.start(outbox.Entry{Space: "acme"})
	}
	for i, want := range []int{0, 5, 35, 155, 755, 4355, 7955, 11555} {
		f := b.requests[i]
		if at[i] != want || header(f, "webhook-id") != header(b.requests[0], "webhook-id") || header(f, "webhook-timestamp") != strconv.FormatInt(begin.Unix()+int64(want), 10) {
			t.Errorf("attempt %d at %d s, want %d: %v", i, at[i], want, f.Header)
		}
		if i > 0 && header(f, "webhook-signature") == header(b.requests[i-1], "webhook-signature") {
			t.Errorf("attempt %d has the signature of the one before", i)
		}
	}
	s := b.inspect()
	if s.Waiting != 1 || s.Failures != 8 || *s.Space != "acme" || s.Room != nil || s.LastError.Message != "status 302" || *s.NextAttemptAt != b.box.Due().UnixMilli() || s.LastSuccessAt != nil {
		t.Errorf("%+v", s)
	}
	for len(b.requests) < 200 && b.inspect().Waiting > 0 {
		b.ring()
	}
	if d := b.now.Sub(begin); d < 72*time.Hour || d > 74*time.Hour || !strings.Contains(b.log.String(), "given up after 3 days") {
		t.Errorf("given up after %v: %s", d, &b.log)
	}
}

// W3: 410 stops everything until the next start or a retry.
func TestAReceiverThatIsGone(t *testing.T) {
	b := newBench(t, outbox.Entry{Space: "acme"})
	b.status = 410
	b.change(webhook.ProjectChanged, "p")
	b.ring()
	for range 5 {
		b.change(webhook.ProjectChanged, "q")
		b.ring()
	}
	b.instance(outbox.Entry{Space: "other"})
	b.run(abi.Statement{SQL: `UPDATE WebhookState SET state = json_remove(state, '$.listed')`}) // as another object
	b.change(webhook.ProjectChanged, "q")
	b.ring()
	if len(b.requests) != 1 {
		t.Errorf("%d requests", len(b.requests))
	}
	failing, err := b.box.List.Page(context.Background(), true, outbox.Entry{}, 10)
	if err != nil || len(failing) != 2 {
		t.Errorf("a retry reaches %v, %v", failing, err)
	}
	b.status = 204
	b.start(outbox.Entry{Space: "acme"})
	b.requests = nil
	b.ring()
	if got := b.bodies(); len(got) != 2 || !strings.Contains(got[0], `"p"`) || !strings.Contains(got[1], `"q"`) {
		t.Error(got)
	}
}

// W5: an object that cannot be asked does not hide the others.
func TestAnObjectThatIsNotReached(t *testing.T) {
	b := newBench(t, outbox.Entry{})
	for _, space := range []string{"a", "broken", "c"} {
		if err := b.box.List.Put(context.Background(), outbox.Entry{Space: space}, true); err != nil {
			t.Fatal(err)
		}
	}
	desk := Desk{Courier: b.box.Courier, DB: b.db, Calls: &broken{}, Place: func(e outbox.Entry) (string, string) { return "SPACE", e.Space }}
	page, err := desk.List(context.Background(), &Position{}, 10)
	want := []string{`"a"`, `{"space":"broken","room":null,"unreachable":true}`, `"c"`}
	if got := texts(page.Objects); err != nil || !slices.Equal(got, want) || !strings.Contains(b.log.String(), "it is broken") {
		t.Errorf("%q, %v; %s", got, err, &b.log)
	}
}

// broken are objects that reply with their name, but for one.
type broken struct{ line }

func (*broken) Call(_ context.Context, _, object string, _ ...[]byte) ([]byte, error) {
	if object == "broken" {
		return nil, errors.New("it is broken")
	}
	return json.Marshal(object)
}

func texts(messages []jsonvalue.RawMessage) (texts []string) {
	for _, m := range messages {
		texts = append(texts, string(m))
	}
	return texts
}

// W1: what waits of a type that the receiver does not want any more is dropped, and holds up nothing.
func TestATypeThatIsNotWantedAnyMore(t *testing.T) {
	b := newBench(t, outbox.Entry{})
	b.status = 400
	b.change(webhook.ProjectChanged, "p")
	b.change(webhook.ProjectChanged, "q")
	b.change(webhook.SpaceCreated, "acme@1")
	b.ring()
	b.start(outbox.Entry{})
	b.box.Config.Events = []string{"space.*"}
	b.status, b.requests = 204, nil
	b.ring()
	if got := b.bodies(); len(got) != 1 || got[0] != `{"space":"acme"}` || b.inspect().Waiting != 0 {
		t.Error(got, b.inspect())
	}
}

// W5: a retry sends at once, also to a receiver that was gone. The request of the retry forgets that.
func TestARetry(t *testing.T) {
	for _, status := range []int{500, 410} {
		b := newBench(t, outbox.Entry{Space: "acme"})
		b.status = status
		b.change(webhook.ProjectChanged, "p")
		b.ring()
		b.status, b.requests = 204, nil
		if err := b.box.List.PutGone(context.Background(), ""); err != nil {
			t.Fatal(err)
		}
		b.box.Call([]byte{prefix, messageRetry})
		if b.box.Due().After(b.now) {
			t.Errorf("%d: due %v, now %v", status, b.box.Due(), b.now)
		}
		b.ring()
		if s := b.inspect(); len(b.requests) != 1 || s.Waiting != 0 || *s.LastSuccessAt != b.now.UnixMilli() || !b.box.Due().IsZero() {
			t.Errorf("%d: %d requests, %+v", status, len(b.requests), s)
		}
	}
}

// A between runs f once, before the second batch.
type between struct {
	store.DB
	f     func()
	batch int
}

func (b *between) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if b.batch++; b.batch == 2 {
		b.f()
	}
	return b.DB.Batch(ctx, statements)
}

// W3: an operator's retry of the root is a request, beside which the alarm composes an event.
func TestARetryLosesNoEventOfAnAlarm(t *testing.T) {
	b := newBench(t, outbox.Entry{})
	b.status = 500
	b.change(webhook.ProjectChanged, "p")
	other := b.box.Courier.NewRoot(&between{DB: b.db, f: b.ring})
	if err := other.Retry(context.Background()); err != nil || len(b.requests) != 1 {
		t.Fatal(err, b.requests)
	}
	b.status = 204
	b.box.Call([]byte{prefix, messageResume})
	b.now = b.now.Add(time.Minute)
	b.box.Deliver(context.Background())
	if len(b.requests) != 2 || header(b.requests[0], "webhook-id") != header(b.requests[1], "webhook-id") {
		t.Errorf("%d requests: %v", len(b.requests), b.bodies())
	}
}

// An object that was erased while it sent an event is another one: what it knows and sends stays.
func TestTheOutcomeOfAnEventThatIsGoneCountsForNothing(t *testing.T) { // W3
	b := newBench(t, outbox.Entry{Space: "acme"})
	b.change(webhook.ProjectChanged, "p")
	b.during = func() {
		b.run(abi.Statement{SQL: `UPDATE WebhookState SET event = json_set(event, '$.id', 'msg_new')`})
	}
	b.ring()
	if len(b.requests) != 2 || header(b.requests[1], "webhook-id") != "msg_new" || b.inspect().Waiting != 0 {
		t.Errorf("%d requests, %+v", len(b.requests), b.inspect())
	}
}

// A line keeps the messages to objects.
type line struct{ messages []string }

func (l *line) Call(_ context.Context, _, _ string, data ...[]byte) ([]byte, error) {
	l.messages = append(l.messages, "call "+string(data[0][1:]))
	return nil, nil
}

func (l *line) Publish(_ context.Context, _, _ string, data []byte) {
	l.messages = append(l.messages, string(data[1:]))
}

// W3: what waits in the root when the server starts with a receiver again is sent, although its alarm
// went off without one. Reading arms no alarm otherwise.
func TestAnInstanceWakesTheOutboxOfTheRoot(t *testing.T) {
	b := newBench(t, outbox.Entry{})
	l := &line{}
	a := &Armed{DB: b.db, Calls: l, Now: func() time.Time { return b.now }}
	read := abi.Statement{SQL: "SELECT stamp FROM Clock"}
	for _, c := range []struct {
		statement abi.Statement
		want      string
	}{
		{read, "n"},
		{read, ""},
		{store.Announce("SELECT 'project.changed', 'p'"), "call a n"},
		{store.Announce("SELECT 'project.changed', 'p'"), ""}, // waits already
	} {
		l.messages = nil
		if _, err := a.Batch(context.Background(), []abi.Statement{c.statement}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.messages, " "); got != c.want {
			t.Errorf("%s: messages %q, want %q", c.statement.SQL, got, c.want)
		}
	}
}

// W4: many changes are few events, and the last of them counts.
func TestChangesAreCoalesced(t *testing.T) {
	b := newBench(t, outbox.Entry{Space: "acme"})
	begin := b.now
	for i := range 100 { // a push each 50 ms, for 5 seconds
		b.run(abi.Statement{SQL: `UPDATE Clock SET stamp = ?1`, Args: []any{i + 1}}, store.Announce("SELECT 'records.changed', ?1", []string{"customers", "products"}[i%2]))
		for next := b.now.Add(50 * time.Millisecond); ; {
			if due := b.box.Due(); due.IsZero() || due.After(next) {
				b.now = next
				break
			}
			b.ring()
		}
	}
	for !b.box.Due().IsZero() {
		b.ring()
	}
	got := b.bodies()
	if seconds := int(b.now.Sub(begin).Seconds()); len(got) > seconds+1 || len(got) < 4 {
		t.Errorf("%d events in %d s", len(got), seconds)
	}
	if last := got[len(got)-1]; !strings.Contains(last, `"stamp":100`) || !strings.Contains(got[1], `"tables":["products","customers"]`) {
		t.Error(got)
	}
}

// W4: an outbox has at most 10,000 rows, and the receiver gets an event for a change beyond them, too.
func TestAnOutboxHasABound(t *testing.T) {
	b := newBench(t, outbox.Entry{})
	b.status = 503
	b.change(webhook.SpaceCreated, "acme@1")
	most := 0
	for i := range 15_000 {
		b.change(webhook.ProjectChanged, "p"+strconv.Itoa(i))
		if !b.box.Due().After(b.now) {
			b.box.Deliver(context.Background())
		}
		if i%50 == 0 {
			b.now = b.now.Add(time.Second)
			most = max(most, b.inspect().Waiting)
		}
	}
	if most > webhook.MaxWaiting || most < webhook.MaxWaiting/2 {
		t.Errorf("%d rows waited", most)
	}
	if text := b.log.String(); !strings.Contains(text, "the oldest of a type were merged") {
		t.Error(text)
	}
	b.status = 204
	b.box.Call([]byte{prefix, messageResume})
	b.box.Retry(context.Background())
	b.requests = nil
	b.box.Deliver(context.Background())
	told, merged := map[string]bool{}, 0
	for i, body := range b.bodies() {
		var data struct {
			Project *string
			Merged  int
		}
		if err := json.Unmarshal([]byte(body), &data); err != nil {
			t.Fatal(body, err)
		}
		switch {
		case i == 0 && body != `{"space":"acme"}`, i == 1 && data.Project != nil:
			t.Errorf("event %d: %s", i, body)
		case data.Project != nil:
			told[*data.Project] = true
		default:
			merged += data.Merged
		}
	}
	if merged+len(told) != 15_000 || !told["p14999"] || told["p0"] {
		t.Errorf("%d events were merged, and %d told", merged, len(told))
	}
}

// A receiver that hangs does not keep the outbox for longer than its patience.
func TestAReceiverThatHangs(t *testing.T) { // W4
	b := newBench(t, outbox.Entry{Space: "acme"})
	b.hangs = true
	b.change(webhook.ProjectChanged, "p")
	b.change(webhook.ProjectChanged, "q")
	begin := b.now
	b.ring()
	if d := b.now.Sub(begin); d > 20*time.Second || len(b.requests) != 1 || b.inspect().Failures != 1 {
		t.Errorf("%v, %d requests", d, len(b.requests))
	}
}

// The list in the root is written when an outbox begins to fail, and when it is well again.
func TestTheListOfOutboxes(t *testing.T) { // W5
	e := outbox.Entry{Space: "acme", Room: "a/b"}
	b := newBench(t, e)
	list := outbox.NewList(b.db)
	check := func(failing, healthy int) {
		t.Helper()
		for which, want := range map[bool]int{true: failing, false: healthy} {
			entries, err := list.Page(context.Background(), which, outbox.Entry{}, 10)
			if err != nil || len(entries) != want || want > 0 && entries[0] != e {
				t.Errorf("failing %v: %v, %v", which, entries, err)
			}
		}
	}
	check(0, 0)
	for _, status := range []int{500, 204, 410} {
		b.status = status
		b.change(webhook.ProjectChanged, "p")
		b.ring()
		if status == 204 {
			check(0, 1)
		} else {
			check(1, 0)
		}
	}
}
