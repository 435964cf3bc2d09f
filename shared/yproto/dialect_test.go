package yproto_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yproto"
)

// docs/protocol.md, H2. The bytes are those that provider 4.8.0 and its server send.
func TestMessagesOfHocuspocus(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		want        yproto.Message
	}{
		{"step 1", "000001" + "00", yproto.Message{Kind: yproto.SyncStep1, Payload: []byte{0}}},
		{"stateless", "0502" + "6869", yproto.Message{Kind: yproto.Stateless, Payload: []byte("hi")}},
		{"query awareness", "03", yproto.Message{Kind: yproto.QueryAwareness}},
		{"permission denied", "0201" + "046e6f7065", yproto.Message{Kind: yproto.PermissionDenied, Payload: []byte("nope")}},
		{"read-write", "0202" + "0a726561642d7772697465", yproto.Message{Kind: yproto.Authenticated, Payload: yproto.ReadWrite}},
		{"readonly", "0202" + "08726561646f6e6c79", yproto.Message{Kind: yproto.Authenticated, Payload: yproto.ReadOnly}},
		{"applied", "0801", yproto.Message{Kind: yproto.SyncStatus, Payload: yproto.Applied}},
		{"refused", "0800", yproto.Message{Kind: yproto.SyncStatus, Payload: yproto.Refused}},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame := unhex(t, c.bytes)
			if got := yproto.Hocuspocus.Append(nil, c.want); !bytes.Equal(got, frame) {
				t.Errorf("Append: got %x, want %x", got, frame)
			}
			m, rest, err := yproto.Hocuspocus.Decode(frame)
			if frame[0] == 2 || frame[0] == 8 { // a client sends the room neither
				if !errors.As(err, new(*yproto.UnknownError)) {
					t.Errorf("Decode: got %+v, %v, want an UnknownError", m, err)
				}
				return
			}
			if err != nil || len(rest) > 0 || m.Kind != c.want.Kind || !bytes.Equal(m.Payload, c.want.Payload) || !bytes.Equal(m.Frame, frame) {
				t.Errorf("Decode: got %+v, %x, %v", m, rest, err)
			}
		})
	}
}

// A sync reply is a sync message, but no peer could read its bytes as one.
func TestASyncReplyIsNotForwardedAsItIs(t *testing.T) {
	m, rest, err := yproto.Hocuspocus.Decode(unhex(t, "0402"+"02"+"0000"+"05"))
	if err != nil || m.Kind != yproto.Update || m.Frame != nil || !bytes.Equal(rest, []byte{5}) {
		t.Errorf("got %+v, %x, %v", m, rest, err)
	}
	if _, _, err := yproto.Decode(unhex(t, "0402"+"02"+"0000")); !errors.As(err, new(*yproto.UnknownError)) {
		t.Errorf("y-websocket has no such message: %v", err)
	}
}

// A client that could send type 6, broadcast stateless, would speak for the server.
func TestHocuspocusRefusesAMessageOfServers(t *testing.T) {
	for _, frame := range []string{"060161", "0701" + "61", "0801", "0200" + "0161"} {
		if m, _, err := yproto.Hocuspocus.Decode(unhex(t, frame)); !errors.As(err, new(*yproto.UnknownError)) {
			t.Errorf("%s: got %+v, %v", frame, m, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	address := func(text string) []byte { return lib0.AppendString(nil, text) }
	long := strings.Repeat("x", yproto.MaxAddressBytes)
	for _, c := range []struct {
		name, address, document string
	}{
		{"a document", "notes", "notes"},
		{"a session of version 4", "notes\x00k3j2", "notes"},
		{"no name", "", ""},
		{"a long one", long, long},
		{"of two bytes of length", strings.Repeat("é", 100), strings.Repeat("é", 100)},
	} {
		got, name, message, err := yproto.CutAddress(append(address(c.address), 0, 1, 2))
		if err != nil || !bytes.Equal(got, address(c.address)) || string(name) != c.document || !bytes.Equal(message, []byte{0, 1, 2}) {
			t.Errorf("%s: got %x, %q, %x, %v", c.name, got, name, message, err)
		}
	}
	for name, frame := range map[string][]byte{
		"a length of a byte too many": {0x85, 0, 'n', 'o', 't', 'e', 's', 0}, "a length of two too many": {0x85, 0x80, 0, 'n', 'o', 't', 'e', 's', 0},
		"nothing": nil, "a cut one": address("notes")[:3], "too long": address(long + "x"), "not UTF-8": {1, 0xff},
	} {
		if got, _, _, err := yproto.CutAddress(frame); err == nil {
			t.Errorf("%s: got %x", name, got)
		}
	}
}

func TestTokens(t *testing.T) {
	for _, c := range []struct {
		name, message, token  string
		closes, malformed, ok bool
	}{
		{"of version 3", "0200" + "0161", "a", false, false, true},
		{"of version 4", "0200" + "0161" + "05342e382e30", "a", true, false, true},
		{"an empty one", "0200" + "00", "", false, false, true},
		{"a cut one", "0200" + "0561", "", false, true, true},
		{"one that is not UTF-8", "0200" + "01ff" + "05342e382e30", "", false, true, true},
		{"a denial", "0201" + "0161", "", false, false, false},
		{"a sync message", "0000" + "0100", "", false, false, false},
	} {
		token, closes, ok := yproto.CutToken(unhex(t, c.message))
		if ok != c.ok || ok && (string(token) != c.token || (token == nil) != c.malformed || closes != c.closes) {
			t.Errorf("%s: got %q, %v, %v", c.name, token, closes, ok)
		}
	}
}

func FuzzHocuspocus(f *testing.F) {
	for _, seed := range []string{"0161000001000102", "056e6f746573020003616263", "00", "0161040202000005026869"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		address, name, message, err := yproto.CutAddress(frame)
		if err != nil {
			return
		}
		if len(name) > yproto.MaxAddressBytes || !bytes.Equal(append(bytes.Clone(address), message...), frame) {
			t.Fatalf("%x: address %x, name %q, message %x", frame, address, name, message)
		}
		yproto.CutToken(message)
		for rest := message; ; {
			m, after, err := yproto.Hocuspocus.Decode(rest)
			if err != nil {
				return
			}
			if len(after) >= len(rest) {
				t.Fatalf("%x: %+v takes nothing", rest, m)
			}
			again, _, err := yproto.Hocuspocus.Decode(yproto.Hocuspocus.Append(nil, m))
			if err != nil || again.Kind != m.Kind || !bytes.Equal(again.Payload, m.Payload) {
				t.Fatalf("%x: %+v comes back as %+v, %v", rest, m, again, err)
			}
			if rest = after; len(rest) == 0 {
				return
			}
		}
	})
}
