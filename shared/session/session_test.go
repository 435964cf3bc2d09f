package session

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestASessionSurvivesItsFrame(t *testing.T) {
	for _, s := range []Session{
		{},
		{Subject: MarkOf("alice"), Token: MarkOf("t1"), Issued: noon, Expires: noon.Add(time.Hour)},
		{Subject: MarkOf("alice"), Expires: noon},
	} {
		b := s.Append([]byte{7})
		got, rest, ok := Cut(append(b, 8)[1:])
		if !ok || len(b) != 1+Size || len(rest) != 1 || rest[0] != 8 || got.Subject != s.Subject || got.Token != s.Token ||
			!got.Issued.Equal(s.Issued) || !got.Expires.Equal(s.Expires) {
			t.Errorf("%+v became %+v", s, got)
		}
		if _, _, ok := Cut(b[2:]); ok {
			t.Error("a short frame was read")
		}
	}
}

func TestASessionEndsAtItsTime(t *testing.T) {
	s := Session{Expires: noon}
	for at, want := range map[time.Duration]bool{-time.Millisecond: false, 0: true, time.Hour: true} {
		if got := s.EndedBy(noon.Add(at)); got != want {
			t.Errorf("at %v: %v", at, got)
		}
	}
	if (Session{}).EndedBy(noon) {
		t.Error("a session without an end ended")
	}
}

func TestARevocationEndsWhatItNames(t *testing.T) {
	alice, bob := MarkOf("alice"), MarkOf("bob")
	for _, c := range []struct {
		name string
		r    Revocation
		s    Session
		ends bool
	}{
		{"an older token of the subject", Revocation{Subject: alice, At: noon}, Session{Subject: alice, Issued: noon.Add(-time.Hour)}, true},
		{"one of the same second", Revocation{Subject: alice, At: noon}, Session{Subject: alice, Issued: noon}, true},
		{"a later one", Revocation{Subject: alice, At: noon}, Session{Subject: alice, Issued: noon.Add(time.Second)}, false},
		{"one that does not say when it was issued", Revocation{Subject: alice, At: noon}, Session{Subject: alice}, true},
		{"another subject's", Revocation{Subject: alice, At: noon}, Session{Subject: bob}, false},
		{"nobody's", Revocation{At: noon}, Session{}, false},
		{"the token", Revocation{Token: 7, At: noon}, Session{Subject: bob, Token: 7, Issued: noon.Add(time.Hour)}, true},
		{"another token", Revocation{Token: 7, At: noon}, Session{Token: 8}, false},
	} {
		if got := c.r.Ends(c.s); got != c.ends {
			t.Errorf("%s: %v", c.name, got)
		}
		if got, ok := DecodeRevocation(c.r.Append(nil)); !ok || got.Subject != c.r.Subject || got.Token != c.r.Token || !got.At.Equal(c.r.At) {
			t.Errorf("%s: %+v became %+v", c.name, c.r, got)
		}
	}
}

func TestARoomRemembersRevocationsForAMinute(t *testing.T) {
	var q Recent
	q.Add(Revocation{Token: 1, At: noon}, noon)
	q.Add(Revocation{Token: 2, At: noon}, noon.Add(time.Second))
	q.Add(Revocation{Token: 3, At: noon}, noon.Add(recentLife))
	for token, want := range map[Mark]bool{1: false, 2: true, 3: true} {
		if got := q.End(Session{Token: token}); got != want {
			t.Errorf("token %d: %v", token, got)
		}
	}
	for i := range Mark(2 * maxRecent) {
		q.Add(Revocation{Token: 10 + i, At: noon}, noon.Add(recentLife))
	}
	if len(q.heard) > maxRecent || !q.End(Session{Token: 9 + 2*maxRecent}) {
		t.Errorf("%d are remembered", len(q.heard))
	}
}

func TestAnInstanceKnowsWhatWasRevoked(t *testing.T) {
	ann, bob := Session{Subject: MarkOf("ann")}, Session{Subject: MarkOf("bob"), Token: MarkOf("t1")}
	var r Revoked
	if !r.Empty() || r.End(ann, noon) || r.End(Session{}, noon) {
		t.Error("nothing is revoked")
	}
	r.Add(Revocation{Subject: ann.Subject, At: noon}, time.Time{})
	r.Add(Revocation{Token: bob.Token, At: noon}, noon.Add(time.Hour))
	if r.Empty() || !r.End(ann, noon.Add(1000*time.Hour)) || !r.End(bob, noon) || r.End(Session{}, noon) {
		t.Error("both are revoked, and nothing else")
	}
	if r.End(bob, noon.Add(time.Hour)) {
		t.Error("a revocation outlives its time")
	}
	if other := (Session{Subject: bob.Subject, Token: MarkOf("t2")}); r.End(other, noon) {
		t.Error("another token of the subject is not revoked")
	}
}
