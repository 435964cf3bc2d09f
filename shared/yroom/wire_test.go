package yroom

import (
	"bytes"
	"errors"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/lib0"
	"tidemark/shared/yjs/yjstest"
	"tidemark/shared/yproto"
)

// A named dialect frames messages as Hocuspocus does: each begins with the document's name.
type named struct{ name string }

func (d named) Decode(frame []byte) (m yproto.Message, rest []byte, err error) {
	r := lib0.NewReader(frame)
	name, err := r.String()
	if err != nil {
		return m, nil, err
	}
	if string(name) != d.name {
		return m, nil, errors.New("another document")
	}
	if m, rest, err = yproto.Decode(r.Rest()); err == nil {
		m.Frame = frame[:len(frame)-len(rest)]
	}
	return m, rest, err
}

func (d named) Append(dst []byte, m yproto.Message) []byte {
	return yproto.YWebsocket.Append(lib0.AppendString(dst, d.name), m)
}

// The rules of a room do not depend on the dialect: with another one the same messages are sent.
func TestARoomSpeaksAnotherDialect(t *testing.T) {
	play := func(d yproto.Dialect) (sent []yproto.Message) {
		config := DefaultConfig
		config.Dialect = d
		r := New(config, &fake{}, Stored{}, nil, scriptStart)
		do := func(out Effects, err error) {
			t.Helper()
			if err != nil || len(out.Close) > 0 {
				t.Fatal(out.Close, err)
			}
			for _, s := range out.Send {
				m, rest, err := d.Decode(s.Data)
				if err != nil || len(rest) > 0 {
					t.Fatalf("%x: %v", s.Data, err)
				}
				sent = append(sent, m)
			}
		}
		do(r.Seeded(nil, 0, nil, scriptStart))
		do(r.Connect(1, Admission{Write: true}, scriptStart), nil)
		do(r.Connect(2, Admission{}, scriptStart), nil)
		for _, c := range []struct {
			conn Conn
			m    yproto.Message
		}{
			{1, yproto.Message{Kind: yproto.SyncStep1, Payload: []byte{0}}},
			{1, yproto.Message{Kind: yproto.Update, Payload: yjstest.Typed(0)}},
			{1, yproto.Message{Kind: yproto.SyncStep2, Payload: yjstest.Typed(1)}},
			{2, yproto.Message{Kind: yproto.Update, Payload: yjstest.Typed(2)}}, // refused
			{2, yproto.Message{Kind: yproto.QueryAwareness}},
		} {
			do(r.Message(c.conn, abi.KindBinary, d.Append(nil, c.m), scriptStart))
		}
		return sent
	}
	want, got := play(yproto.YWebsocket), play(named{"a document"})
	if len(got) != len(want) || len(want) < 5 {
		t.Fatalf("sent %d messages, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Kind != want[i].Kind || !bytes.Equal(got[i].Payload, want[i].Payload) {
			t.Errorf("message %d: got %d %x, want %d %x", i, got[i].Kind, got[i].Payload, want[i].Kind, want[i].Payload)
		}
		if !bytes.HasPrefix(got[i].Frame, []byte("\x0aa document")) {
			t.Errorf("message %d does not begin with the name: %x", i, got[i].Frame)
		}
	}
}
