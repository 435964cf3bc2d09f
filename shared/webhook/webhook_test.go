package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
)

// W1: WEBHOOK_EVENTS is a list of globs.
func TestGlobsChooseEvents(t *testing.T) {
	for _, c := range []struct{ globs, want, refused string }{
		{"", "records.changed document.changed document.deleted project.changed space.created space.deleted", ""},
		{"*", "records.changed document.changed document.deleted project.changed space.created space.deleted", ""},
		{"records.*, space.*", "records.changed space.created space.deleted", ""},
		{"*.changed", "records.changed document.changed project.changed", ""},
		{"*c*.*d", "records.changed document.changed document.deleted project.changed space.created space.deleted", ""},
		{"document.deleted,", "document.deleted", ""},
		{"records", "", `"records" matches none`},
		{"records.*,rows.*", "", `"rows.*" matches none`},
	} {
		globs, err := ParseEvents(c.globs)
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%q: %v", c.globs, err)
			}
			continue
		}
		config, got := Config{URL: "https://example.com", Events: globs}, []string{}
		for _, kind := range Types {
			if config.Wants(kind) {
				got = append(got, string(kind))
			}
			if (&Config{Events: globs}).Wants(kind) {
				t.Errorf("%q: %s is wanted without a receiver", c.globs, kind)
			}
		}
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%q: got %v, %v, want %s", c.globs, got, err, c.want)
		}
	}
}

var secret = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 24))

func TestSettingsWithWhichNothingCanBeSentAreRefused(t *testing.T) { // W1, W2, W5
	plain := strings.TrimPrefix(secret, "whsec_")
	for _, c := range []struct {
		url, secret string
		private     bool
		refused     string
	}{
		{"", "", false, ""},
		{"https://example.com/hook?a=b", secret, false, ""},
		{"https://example.com/hook", plain, false, ""},
		{"https://example.com/hook", secret + "," + plain, false, ""},
		{"http://10.0.0.5:8080/hook", secret, true, ""},
		{"http://example.com/hook", secret, false, "WEBHOOK_ALLOW_PRIVATE"},
		{"https://example.com/hook", "", false, "WEBHOOK_SECRET is not set"},
		{"example.com/hook", secret, false, "not an absolute"},
		{"/hook", secret, true, "not an absolute"},
		{"ftp://example.com", secret, true, "not an absolute"},
		{"https://ann:pass@example.com", secret, false, "user or a fragment"},
		{"https://example.com/#a", secret, false, "user or a fragment"},
		{"https://example.com", "whsec_AAAA", false, "24 to 64 bytes"},
		{"https://example.com", "a secret that is a text", false, "24 to 64 bytes"},
		{"https://example.com", secret + ",", false, "24 to 64 bytes"},
	} {
		config := Config{URL: c.url, AllowPrivate: c.private}
		var err error
		if config.Secrets, err = ParseSecrets(c.secret); err == nil {
			err = config.Check()
		}
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%q %q: %v, want %q", c.url, c.secret, err, c.refused)
		}
	}
}

func TestBodiesOfEvents(t *testing.T) { // W1
	const at = 1_700_000_000_123
	for _, c := range []struct {
		event       Event
		space, room string
		want        string
	}{
		{Event{Type: RecordsChanged, Keys: []string{"customers", "a\"b"}, Mark: "17"}, "", "", `{"space":null,"tables":["customers","a\"b"],"stamp":17}`},
		{Event{Type: RecordsChanged, Keys: []string{"customers"}, Mark: "17"}, "acme", "", `{"space":"acme","tables":["customers"],"stamp":17}`},
		{Event{Type: ProjectChanged, Keys: []string{"p-1"}, Mark: "3"}, "acme", "", `{"space":"acme","project":"p-1","timestamp":3}`},
		{Event{Type: ProjectChanged, Keys: []string{Any}, Mark: "4500"}, "", "", `{"space":null,"project":null,"timestamp":null,"merged":4500}`},
		{Event{Type: DocumentChanged, Keys: []string{""}, Mark: "1z"}, "acme", "a/b", `{"space":"acme","room":"a/b","etag":"\"1z\""}`},
		{Event{Type: DocumentDeleted, Keys: []string{""}, Mark: "0"}, "", "a", `{"space":null,"room":"a"}`},
		{Event{Type: SpaceCreated, Keys: []string{SpaceKey("acme", 5)}}, "", "", `{"space":"acme"}`},
		{Event{Type: SpaceDeleted, Keys: []string{Any}, Mark: "9"}, "", "", `{"space":null,"merged":9}`},
	} {
		c.event.Composed = at
		want := `{"type":"` + string(c.event.Type) + `","timestamp":"2023-11-14T22:13:20.123Z","data":` + c.want + `}`
		got := c.event.Body(c.space, c.room)
		if string(got) != want || !json.Valid(got) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// W3: an attempt ends, and its failure is stored, before the host cuts off the alarm.
func TestAnAttemptEndsBeforeTheAlarm(t *testing.T) {
	for _, c := range []struct{ call, attempt, shift time.Duration }{
		{0, 15 * time.Second, 20 * time.Second},
		{time.Minute, 15 * time.Second, 20 * time.Second},
		{3 * time.Second, time.Second, time.Second},
	} {
		config := Config{Call: c.call}
		if f := config.Request(&Event{}, nil, time.Now()); f.Timeout != c.attempt || config.Shift() != c.shift {
			t.Errorf("%v: %v, %v", c.call, f.Timeout, config.Shift())
		}
	}
}

// W2: the example of the Standard Webhooks specification, and two secrets.
func TestSignatures(t *testing.T) {
	secrets, err := ParseSecrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	config := Config{URL: "https://example.com/hook", Secrets: secrets}
	e := Event{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek"}
	f := config.Request(&e, []byte(`{"test": 2432232314}`), time.Unix(1614265330, 0))
	want := map[string]string{
		"content-type": "application/json", "user-agent": "tidemark", "webhook-id": e.ID, "webhook-timestamp": "1614265330",
		"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	}
	for _, h := range f.Header {
		if want[h[0]] != h[1] {
			t.Errorf("%s: got %q, want %q", h[0], h[1], want[h[0]])
		}
		delete(want, h[0])
	}
	if len(want) > 0 || f.Method != "POST" || f.URL != config.URL || f.Reach != abi.ReachPublic || f.Timeout >= time.Minute {
		t.Errorf("%+v lacks %v", f, want)
	}
	config.AllowPrivate = true
	if f := config.Request(&e, nil, time.Now()); f.Reach != abi.ReachAny {
		t.Error(f.Reach)
	}
}

func TestVerdicts(t *testing.T) { // W3
	for status, want := range map[int]Verdict{200: Taken, 204: Taken, 299: Taken, 199: Refused, 300: Refused, 302: Refused, 400: Refused, 409: Refused, 410: Gone, 500: Refused, 503: Refused, 0: Refused} {
		if got := Judge(status); got != want {
			t.Errorf("%d: got %d, want %d", status, got, want)
		}
	}
}

// W3: 5 s, 30 s, 2 min, 10 min, then hourly for 3 days, with the same event.
func TestTheScheduleOfAFailingEvent(t *testing.T) {
	const start = int64(1_700_000_000_000)
	e := &Event{ID: "msg_1", Type: ProjectChanged}
	var s State
	s.Composed(e)
	now, waits := start, []time.Duration{}
	for {
		if step := s.Step(nil, now); !step.Send || s.Event != e {
			t.Fatalf("after %v: %+v", waits, step)
		}
		if s.Failed(now, "status 500") {
			break
		}
		step := s.Step(nil, now)
		if s.Step(nil, step.Wait-1).Send || step.Wait <= now {
			t.Fatalf("after %v: %+v", waits, step)
		}
		waits = append(waits, time.Duration(step.Wait-now)*time.Millisecond)
		now = step.Wait
	}
	want := []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}
	if !slices.Equal(waits[:5], want) || slices.ContainsFunc(waits[5:], func(d time.Duration) bool { return d != time.Hour }) {
		t.Error(waits)
	}
	if d := time.Duration(now-start) * time.Millisecond; d < 72*time.Hour || d > 74*time.Hour {
		t.Errorf("given up after %v", d)
	}
	if step := s.Step(&Row{Type: ProjectChanged}, now); step.Compose == nil || s.ErrorAt != now || s.Error != "status 500" {
		t.Errorf("after an event was given up: %+v, %+v", step, s)
	}
}

// W4: the least time between two events of a type.
func TestGaps(t *testing.T) {
	const now = int64(1_700_000_000_000)
	for _, c := range []struct {
		head Type
		told int64
		want int64 // 0: now
	}{
		{RecordsChanged, 0, 0}, {RecordsChanged, now - 1000, 0}, {RecordsChanged, now - 999, now + 1}, {RecordsChanged, now, now + 1000},
		{RecordsChanged, now + 1, 0}, // the clock was ahead
		{DocumentChanged, now - 10_000, 0}, {DocumentChanged, now - 9_999, now + 1},
		{ProjectChanged, now, 0}, {DocumentDeleted, now, 0}, {SpaceCreated, now, 0}, {SpaceDeleted, now, 0},
	} {
		s, head := State{Told: c.told}, Row{Type: c.head}
		if step := s.Step(&head, now); step.Wait != c.want || (step.Compose == nil) != (c.want > 0) {
			t.Errorf("%s, told %d: %+v", c.head, c.told-now, step)
		}
	}
	if step := (&State{}).Step(nil, now); step != (Step{}) {
		t.Errorf("of an empty outbox: %+v", step)
	}
	// After a clock was ahead by days, a failed event is not held back for so long.
	s := State{Event: &Event{}, Next: now + 2*time.Hour.Milliseconds()}
	if !s.Step(nil, now).Send {
		t.Error("an event waits for a clock that was ahead")
	}
	if s.Failed(now, ""); s.Next != now+5000 {
		t.Errorf("%+v", s)
	}
}

// W4: beyond 9,000 rows the oldest half of the most frequent type is merged.
func TestMerge(t *testing.T) {
	for _, c := range []struct {
		counts []Count
		kind   Type
		rows   int
	}{
		{nil, "", 0},
		{[]Count{{ProjectChanged, mergeFrom - 1}}, "", 0},
		{[]Count{{ProjectChanged, mergeFrom}}, ProjectChanged, mergeFrom / 2},
		{[]Count{{ProjectChanged, 4000}, {SpaceCreated, 4999}}, "", 0},
		{[]Count{{ProjectChanged, 4000}, {SpaceCreated, 5001}}, SpaceCreated, 2501},
	} {
		if kind, rows := Merge(c.counts); kind != c.kind || rows != c.rows {
			t.Errorf("%v: got %s %d, want %s %d", c.counts, kind, rows, c.kind, c.rows)
		}
	}
}
