package auth

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecodingUndoesEncodingAnIdentity(t *testing.T) {
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.StringN(120, 140, -1))
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(-1e15, maxTime*1000).Draw(t, "millis"))
	})
	rapid.Check(t, func(t *rapid.T) {
		id := Identity{
			Subject: text.Draw(t, "subject"),
			Scope:   Scope{All: rapid.Bool().Draw(t, "all"), Words: text.Draw(t, "words")},
			Rooms:   Rooms{Limited: rapid.Bool().Draw(t, "limited"), Globs: text.Draw(t, "globs")},
			ID:      text.Draw(t, "id"),
			Issued:  at.Draw(t, "issued"), NotBefore: at.Draw(t, "not before"), Expires: at.Draw(t, "expires"),
			Claims: text.Draw(t, "claims"),
		}
		before := []byte("before")
		b := id.Append(before)
		if !bytes.HasPrefix(b, before) {
			t.Fatalf("%+v: appended to %q, got %q", id, before, b)
		}
		b = b[len(before):]
		if got, err := DecodeIdentity(b); err != nil || got != id {
			t.Fatalf("got %+v, %v, want %+v", got, err, id)
		}
		for cut := range len(b) {
			// The claims end where the bytes end, as those of the whole form.
			if got, err := DecodeIdentity(b[:cut]); err == nil && cut <= len(b)-len(id.Claims) {
				t.Fatalf("the first %d bytes of %x: got %+v", cut, b, got)
			}
		}
	})
}

func TestTheTimesOfAnIdentityAtTheirEdges(t *testing.T) {
	for name, at := range map[string]time.Time{
		"zero": {}, "1970": time.UnixMilli(0), "before 1970": time.UnixMilli(-1), "9999": time.UnixMilli(maxTime*1000 + 999),
	} {
		id := Identity{Issued: at, NotBefore: at, Expires: at}
		got, err := DecodeIdentity(id.Append(nil))
		if err != nil || got != id || got.Expires.IsZero() != at.IsZero() {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, id)
		}
	}
	id := Identity{Expires: time.UnixMilli(5).Add(999 * time.Microsecond)}
	if got, err := DecodeIdentity(id.Append(nil)); err != nil || got.Expires != time.UnixMilli(5) {
		t.Errorf("parts of a millisecond: got %v, %v", got.Expires, err)
	}
}

// The encoding is read by an object whose guest may be of another version.
func TestTheBytesOfAnIdentity(t *testing.T) {
	id := Identity{
		Subject: "al", Scope: Scope{Words: "sync:read"}, Rooms: Rooms{Limited: true, Globs: "a\x00b"}, ID: "t1",
		Issued: time.UnixMilli(1), Expires: time.UnixMilli(64),
	}
	const want = "\x01\x16\x02al\x09sync:read\x03a\x00b\x02t1\x02\x80\x01"
	if got := string(id.Append(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	id.Claims = `{"t":"a"}`
	const with = "\x01\x36\x02al\x09sync:read\x03a\x00b\x02t1\x02\x80\x01" + `{"t":"a"}`
	if got := string(id.Append(nil)); got != with {
		t.Errorf("with claims: got %q, want %q", got, with)
	}
}

func TestA1AnIdentityThatWasNotNarrowedIsHandedOnWithoutRights(t *testing.T) {
	id, _, err := verifier(t, Config{Secret: secret}).Verify(raw(hs256, `{"sub":"alice","spaces":["*",""],"scope":"sync:read"}`), now)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeIdentity(id.Append(nil)); err != nil || allowed(got.Scope) != "" || got.Subject != "alice" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBytesThatAreNoIdentity(t *testing.T) {
	for b, reason := range map[string]string{
		"":                             "malformed",
		"\x01":                         "malformed",
		"\x00\x00\x00\x00\x00\x00":     "version 0",
		"\x02\x00\x00\x00\x00\x00":     "version 2",
		"\x01\x40\x00\x00\x00\x00":     "malformed", // a flag that there is not
		"\x01\x20\x00\x00\x00\x00":     "malformed", // the claims are missing
		"\x01\x00\x00\x00\x00":         "malformed",
		"\x01\x00\x01\x00\x00\x00":     "malformed",
		"\x01\x00\x00\x00\x00\x00\x00": "malformed",
		"\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00":                           "malformed", // the greatest length
		"\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00":                           "malformed", // more than 64 bits
		"\x01\x04\x00\x00\x00\x00":                                                               "malformed", // a time is missing
		"\x01\x04\x00\x00\x00\x00\x80":                                                           "malformed",
		"\x01\x10\x00\x00\x00\x00" + strings.Repeat("\xff", 10):                                  "malformed",
		string(binary.AppendVarint([]byte("\x01\x10\x00\x00\x00\x00"), time.Time{}.UnixMilli())): "malformed", // the zero time
		string(Identity{Subject: "alice", Expires: now}.Append(nil)) + "\x00":                    "malformed",
		string(Identity{Subject: "alice", Expires: now}.Append(nil)[1:]) + "\x00":                "version",
	} {
		if id, err := DecodeIdentity([]byte(b)); err == nil || !strings.Contains(err.Error(), reason) || id != (Identity{}) {
			t.Errorf("%q: got %+v, %v, want an error with %q", b, id, err, reason)
		}
	}
}

func TestAGreatLengthInAnIdentityTakesNoMemory(t *testing.T) {
	b := binary.AppendUvarint([]byte("\x01\x00"), 1<<40)
	if n := testing.AllocsPerRun(10, func() { DecodeIdentity(b) }); n != 0 {
		t.Errorf("%x: %v allocations", b, n)
	}
}

func FuzzDecodeIdentity(f *testing.F) {
	f.Add(Identity{}.Append(nil))
	f.Add(Identity{
		Subject: "alice", Scope: Scope{All: true}, Rooms: Rooms{Limited: true, Globs: "a\x00b*"}, ID: "t1", Issued: now, Expires: now,
	}.Append(nil))
	f.Add(Identity{Subject: "alice", Scope: Scope{Words: "sync:read editor"}, Expires: now, Claims: `{"app.org":"x","teams":["a","b"]}`}.Append(nil))
	f.Add([]byte("\x01\x20\x00\x00\x00\x00{}"))
	f.Add([]byte("\x01\x20\x00\x00\x00\x00"))
	f.Add([]byte("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := DecodeIdentity(b)
		if n := len(id.Subject) + len(id.Scope.Words) + len(id.Rooms.Globs) + len(id.ID) + len(id.Claims); n > len(b) {
			t.Errorf("%x: %d bytes of text in %d", b, n, len(b))
		}
		if err != nil {
			return
		}
		if again, err := DecodeIdentity(id.Append(nil)); err != nil || again != id {
			t.Errorf("%x: got %+v, %v, want %+v", b, again, err, id)
		}
	})
}
