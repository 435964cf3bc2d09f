package yproto_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"pgregory.net/rapid"

	"tidemark/shared/lib0"
	"tidemark/shared/yproto"
)

// encode is the inverse of Decode.
func encode(m yproto.Message) []byte {
	switch m.Kind {
	case yproto.SyncStep1:
		return yproto.AppendSyncStep1(nil, m.Payload)
	case yproto.SyncStep2:
		return yproto.AppendSyncStep2(nil, m.Payload)
	case yproto.Update:
		return yproto.AppendUpdate(nil, m.Payload)
	case yproto.Awareness:
		return yproto.AppendAwareness(nil, m.Payload)
	case yproto.PermissionDenied:
		return yproto.AppendPermissionDenied(nil, string(m.Payload))
	case yproto.QueryAwareness:
		return yproto.AppendQueryAwareness(nil)
	}
	panic("message without kind")
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessagesOfYProtocols(t *testing.T) {
	const vectors = "../../../shared/data/vectors.json"
	text, err := os.ReadFile(vectors)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs " + vectors)
	}
	var file struct {
		Protocol struct{ Step1, Step2, Update, AuthDenied, QueryAwareness, EmptyUpdate, EmptySV string }
	}
	if err := errors.Join(err, json.Unmarshal(text, &file)); err != nil {
		t.Fatal(err)
	}
	p := file.Protocol
	for _, c := range []struct {
		frame   string
		kind    yproto.Kind
		payload string
	}{
		{p.Step1, yproto.SyncStep1, "01e90702"},
		{p.Step2, yproto.SyncStep2, "0101e907000401017402686900"},
		{p.Update, yproto.Update, "0101e907000401017402686900"},
		{p.AuthDenied, yproto.PermissionDenied, hex.EncodeToString([]byte("nope"))},
		{p.QueryAwareness, yproto.QueryAwareness, ""},
		{"000102" + p.EmptyUpdate, yproto.SyncStep2, p.EmptyUpdate},
		{"000001" + p.EmptySV, yproto.SyncStep1, p.EmptySV},
	} {
		frame := unhex(t, c.frame)
		m, rest, err := yproto.Decode(frame)
		if err != nil || m.Kind != c.kind || hex.EncodeToString(m.Payload) != c.payload || len(rest) != 0 {
			t.Errorf("Decode(%s) = %d %x, rest %x, %v; want %d %s", c.frame, m.Kind, m.Payload, rest, err, c.kind, c.payload)
			continue
		}
		if again := encode(m); !bytes.Equal(again, frame) {
			t.Errorf("encoding %+v: got %x, want %s", m, again, c.frame)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name, frame string
		unknown     *yproto.UnknownError
		offset      int
	}{
		{"nothing", "", nil, 0},
		{"a sync message without sub-type", "00", nil, 1},
		{"a step 1 without body", "0000", nil, 2},
		{"a body one byte short", "00020300", nil, 3},
		{"an awareness body that is cut", "0105aa", nil, 2},
		{"a length of 2^53-1", "0002ffffffffffffff0f00", nil, 10},
		{"a type above 2^53-1", "ffffffffffffffffff01", nil, 7},
		{"a reason that is not UTF-8", "020001ff", nil, 3},
		{"an unknown type", "04", &yproto.UnknownError{Type: 4}, 0},
		{"an unknown type of two bytes", "e600", &yproto.UnknownError{Type: 102}, 0},
		{"an unknown sync sub-type", "000300", &yproto.UnknownError{Type: 0, Sub: 3}, 0},
		{"an unknown auth sub-type", "0201", &yproto.UnknownError{Type: 2, Sub: 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, rest, err := yproto.Decode(unhex(t, c.frame))
			var unknown *yproto.UnknownError
			var at *lib0.Error
			switch {
			case err == nil:
				t.Fatalf("Decode(%s) = %+v, rest %x, want an error", c.frame, m, rest)
			case c.unknown != nil && (!errors.As(err, &unknown) || *unknown != *c.unknown):
				t.Errorf("Decode(%s): got %v, want %v", c.frame, err, c.unknown)
			case c.unknown == nil && (!errors.As(err, &at) || at.Offset != c.offset):
				t.Errorf("Decode(%s): got %v, want an error at byte %d", c.frame, err, c.offset)
			}
		})
	}
}

func TestOnlyStep2AndUpdateWrite(t *testing.T) {
	for kind := yproto.SyncStep1; kind <= yproto.QueryAwareness; kind++ {
		want := kind == yproto.SyncStep2 || kind == yproto.Update
		if kind.Writes() != want {
			t.Errorf("kind %d writes: got %v, want %v", kind, kind.Writes(), want)
		}
	}
}

func message(t *rapid.T) yproto.Message {
	m := yproto.Message{Kind: yproto.Kind(rapid.IntRange(int(yproto.SyncStep1), int(yproto.QueryAwareness)).Draw(t, "kind"))}
	switch m.Kind {
	case yproto.QueryAwareness:
	case yproto.PermissionDenied:
		m.Payload = []byte(rapid.String().Draw(t, "reason"))
	default:
		m.Payload = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")
	}
	return m
}

func TestDecodeUndoesEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first, second := message(t), message(t)
		frame := append(encode(first), encode(second)...)
		for i, want := range []yproto.Message{first, second} {
			got, rest, err := yproto.Decode(frame)
			if err != nil || got.Kind != want.Kind || !bytes.Equal(got.Payload, want.Payload) {
				t.Fatalf("message %d of %x: got %+v, %v, want %+v", i, frame, got, err, want)
			}
			frame = rest
		}
		if len(frame) != 0 {
			t.Fatalf("%x is left", frame)
		}
	})
}

func TestDecodeAllocatesNothing(t *testing.T) {
	frame := yproto.AppendUpdate(nil, make([]byte, 1<<16))
	if n := testing.AllocsPerRun(100, func() { yproto.Decode(frame) }); n > 0 {
		t.Errorf("Decode allocates %v times", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"00000401e90702", "00010d0101e907000401017402686900", "0200046e6f7065", "03", "01020100", "ffff"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, rest, err := yproto.Decode(frame)
		if err != nil {
			return
		}
		if len(m.Payload)+len(rest) >= len(frame) {
			t.Fatalf("%x: payload %x and rest %x are longer than the frame", frame, m.Payload, rest)
		}
		again, rest, err := yproto.Decode(encode(m))
		if err != nil || again.Kind != m.Kind || !bytes.Equal(again.Payload, m.Payload) || len(rest) > 0 {
			t.Fatalf("%x: %+v comes back as %+v, %v", frame, m, again, err)
		}
	})
}
