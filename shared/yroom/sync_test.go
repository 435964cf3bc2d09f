package yroom

import (
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/yproto"
)

// A client that begins a long reply again and again cannot have the room keep ever more statuses.
func TestStatusesThatWaitForALongReplyAreBounded(t *testing.T) {
	storage := &fake{meta: Meta{Seeded: true}}
	r := New(DefaultConfig, storage, Stored{Meta: Meta{Seeded: true}}, nil, scriptStart)
	r.config.PieceBytes = 10
	const conn = 1
	r.Connect(conn, Admission{Write: true, Dialect: yproto.Hocuspocus}, scriptStart)
	send := func(m yproto.Message) Effects {
		t.Helper()
		r.sockets[conn].budget = budget{}
		out, err := r.Message(conn, abi.KindBinary, yproto.Hocuspocus.Append(nil, m), scriptStart)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range out.Store {
			storage.write(w)
		}
		return out
	}
	a := author{id: 5}
	send(yproto.Message{Kind: yproto.Update, Payload: a.typing(strings.Repeat("x", 100))})
	step1 := yproto.Message{Kind: yproto.SyncStep1, Payload: []byte{0}}
	if send(step1); r.sockets[conn].lacks == nil {
		t.Fatal("the reply is not long")
	}
	again := yproto.Message{Kind: yproto.Update, Payload: []byte{0, 0}} // an edit without news
	for range maxStatuses {
		if out := send(again); len(out.Close) > 0 {
			t.Fatalf("%+v", out.Close)
		}
	}
	if out := send(step1); len(out.Close) > 0 || r.sockets[conn].lacks == nil {
		t.Fatalf("%d statuses close the socket: %+v", maxStatuses, out.Close)
	}
	send(again)
	if out := send(step1); len(out.Close) != 1 || out.Close[0].Code != room.CloseTooMany {
		t.Errorf("%d statuses: %+v", maxStatuses+1, out.Close)
	}
}
