package yroom

import (
	"bytes"
	"slices"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/yjs/yjstest"
	"tidemark/shared/yproto"
)

// A room of two dialects sends each broadcast once, and the same bytes that a room of one dialect
// sends: a room pays nothing for a dialect that it does not speak.
func TestABroadcastIsEncodedOnceForBothDialects(t *testing.T) {
	play := func(dialects ...yproto.Dialect) (broadcasts []room.Send) {
		r := New(DefaultConfig, &fake{}, Stored{}, nil, scriptStart)
		do := func(out Effects, err error) {
			t.Helper()
			if err != nil || len(out.Close) > 0 {
				t.Fatal(out.Close, err)
			}
			for _, s := range out.Send {
				if s.ToAll() {
					broadcasts = append(broadcasts, s)
				}
			}
		}
		do(r.Seeded(nil, 0, nil, scriptStart))
		for i, d := range dialects {
			do(r.Connect(Conn(i+1), Admission{Write: true, Dialect: d}, scriptStart), nil)
		}
		for _, m := range []yproto.Message{
			{Kind: yproto.Update, Payload: yjstest.Typed(0)},
			{Kind: yproto.SyncStep2, Payload: yjstest.Typed(1)},
			{Kind: yproto.Awareness, Payload: []byte("\x01\x05\x01\x02{}")},
		} {
			do(r.Message(1, abi.KindBinary, dialects[0].Append(nil, m), scriptStart))
		}
		return broadcasts
	}
	want := play(yproto.YWebsocket, yproto.YWebsocket)
	if len(want) != 3 {
		t.Fatalf("%d broadcasts of three messages", len(want))
	}
	for _, dialects := range [][]yproto.Dialect{
		{yproto.YWebsocket, yproto.Hocuspocus}, {yproto.Hocuspocus, yproto.YWebsocket}, {yproto.Hocuspocus, yproto.Hocuspocus},
	} {
		got := play(dialects...)
		if !slices.EqualFunc(got, want, func(a, b room.Send) bool { return bytes.Equal(a.Data, b.Data) }) {
			t.Errorf("%v: got %v, want %v", dialects, got, want)
		}
	}
}
