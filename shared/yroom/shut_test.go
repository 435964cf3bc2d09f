package yroom

import (
	"bytes"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/room"
)

func TestAShutEndsWhatTheSpaceLetInBefore(t *testing.T) { // S8, S13
	const at = 1000
	erase := AppendRequest(nil, Request{Op: OpErase, At: at, Data: []byte("gone")})
	pause := AppendRequest(nil, Request{Op: OpClose, At: at, Data: []byte("later")})
	erased, ok := ShutBy(erase)
	if !ok || !erased.Erases || erased.Code() != room.CloseDeleted || erased.Reason != "gone" {
		t.Errorf("an erasure: %+v, %v", erased, ok)
	}
	paused, ok := ShutBy(pause)
	if !ok || paused.Erases || paused.Code() != room.CloseLater || paused.Reason != "later" {
		t.Errorf("a pause: %+v, %v", paused, ok)
	}
	for _, none := range [][]byte{nil, {byte(OpErase)}, AppendRequest(nil, Request{Op: OpDelete, At: at}), AppendRequest(nil, Request{Op: OpRevoke, At: at})} {
		if s, ok := ShutBy(none); ok {
			t.Errorf("%q: %+v", none, s)
		}
	}
	for _, c := range []struct {
		letIn int64
		ends  bool
	}{{at - 1, true}, {at, true}, {at + 1, false}, {0, false}} {
		for _, s := range []Shut{erased, paused} {
			if got := s.Ends(Admission{Write: true, At: c.letIn}); got != c.ends {
				t.Errorf("a socket of %d: %v", c.letIn, got)
			}
		}
		edit := AppendRequest(nil, Request{Op: OpMerge, At: c.letIn})
		reply, ended := erased.Reply(edit)
		if p, _ := DecodeReply(reply); ended != c.ends || ended && p.Status != StatusGone {
			t.Errorf("an edit of %d: %v %+v", c.letIn, ended, p)
		}
		if _, ended := paused.Reply(edit); ended {
			t.Errorf("a pause ended an edit of %d: it waits for it", c.letIn)
		}
	}
	for _, again := range [][]byte{erase, pause} {
		if _, ended := erased.Reply(again); ended {
			t.Errorf("%q was not done", again)
		}
	}
	if (&Shut{}).Ends(Admission{}) {
		t.Error("a room of the root was shut")
	}
}

func TestAnAdmissionKeepsItsTimeAndItsSubject(t *testing.T) {
	for _, a := range []Admission{{Write: true}, {At: 1}, {Write: true, At: 1_790_000_000_000}, {Subject: "ann"}, {At: 1, Subject: "å"}} {
		if got := DecodeAdmission(a.Append(nil)); got != a {
			t.Errorf("got %+v, want %+v", got, a)
		}
	}
}

// A deployment may run a Worker of version 0.1.0 beside a new room, or the other way round.
func TestARequestOfTheRootIsThatOfVersion010(t *testing.T) {
	for _, q := range []Request{
		{Op: OpRevoke, Data: []byte("a revocation")},
		{Op: OpMerge, Data: []byte{1, 1, 7, 0, 4}},
		{Op: OpState, ETag: "*", Version: 300},
	} {
		old := lib0.AppendUint(lib0.AppendString([]byte{byte(q.Op)}, q.ETag), q.Version)
		old = append(old, q.Data...)
		if got := AppendRequest(nil, q); !bytes.Equal(got, old) {
			t.Errorf("%+v is %q, want %q", q, got, old)
		}
		if got, err := decodeRequest(old); err != nil || !bytes.Equal(AppendRequest(nil, got), old) || !bytes.Equal(got.Data, q.Data) {
			t.Errorf("%q is %+v, %v", old, got, err)
		}
	}
	q := Request{Op: OpMerge, At: 1_790_000_000_000, Data: []byte{1}}
	if got, err := decodeRequest(AppendRequest(nil, q)); err != nil || got.Op != q.Op || got.At != q.At || !bytes.Equal(got.Data, q.Data) {
		t.Errorf("got %+v, %v", got, err)
	}
}
