package yroom

import (
	"testing"

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
	if (&Shut{}).Ends(Admission{}) {
		t.Error("a room of the root was shut")
	}
}

func TestAnAdmissionKeepsItsTime(t *testing.T) {
	for _, a := range []Admission{{Write: true}, {At: 1}, {Write: true, At: 1_790_000_000_000}} {
		if got := DecodeAdmission(a.Append(nil)); got != a {
			t.Errorf("got %+v, want %+v", got, a)
		}
	}
}
