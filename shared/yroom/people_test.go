package yroom

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/session"
	"tidemark/shared/yjs"
	"tidemark/shared/yproto"
)

// A shownPerson is a person of a reply to OpPeople.
type shownPerson struct {
	Subject *string
	Sockets int
	Writes  bool
	States  []json.RawMessage
}

func peopleOf(t *testing.T, r *Room) (body []byte, sockets int, people []shownPerson, more bool) {
	t.Helper()
	reply, _, err := r.Call(AppendRequest(nil, Request{Op: OpPeople}), scriptStart)
	if err != nil {
		t.Fatal(err)
	}
	p, err := DecodeReply(reply)
	if err != nil || p.Status != StatusOK {
		t.Fatalf("status %d, %v", p.Status, err)
	}
	var shown struct {
		Sockets int
		People  []shownPerson
		More    bool
	}
	if err := json.Unmarshal(p.Body, &shown); err != nil {
		t.Fatalf("%v: %.200s", err, p.Body)
	}
	return p.Body, shown.Sockets, shown.People, shown.More
}

func TestTheReplyAboutPeopleIsBounded(t *testing.T) {
	for _, c := range []struct {
		name                        string
		sockets, stateBytes, people int
		subject                     string
		more                        bool
	}{
		{"as many people as fit", maxPeople, 0, maxPeople, "s%d", false},
		{"one too many", maxPeople + 1, 0, maxPeople, "s%d", true},
		{"many sockets of one subject", maxPeople + 1, 0, 1, "ann", false},
		{"sockets without a subject", maxPeople + 1, 0, maxPeople, "", true},
		{"long subjects", maxPeople, 0, 173, strings.Repeat("\x01", 1000) + "%d", true},
		{"states that do not fit", 7, 200 << 10, 7, "s%d", true},
		{"states that fit", 5, 200 << 10, 5, "s%d", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := New(DefaultConfig, &fake{}, Stored{}, nil, scriptStart)
			for i := range c.sockets {
				conn, subject := Conn(i+1), c.subject
				if strings.Contains(subject, "%d") {
					subject = fmt.Sprintf(subject, i)
				}
				r.Connect(conn, Admission{Write: true, Subject: subject, Session: session.Session{Subject: session.MarkOf(subject)}}, scriptStart)
				if c.stateBytes > 0 {
					state := []byte(`"` + strings.Repeat("x", c.stateBytes-2) + `"`)
					update := awareness.AppendUpdate(nil, awareness.Entry{Client: uint64(conn), Clock: 1, State: state})
					if _, err := r.Message(conn, abi.KindBinary, yproto.AppendAwareness(nil, update), scriptStart); err != nil {
						t.Fatal(err)
					}
				}
			}
			body, sockets, people, more := peopleOf(t, r)
			if len(body) > 1<<20 || sockets != c.sockets || more != c.more {
				t.Errorf("%d bytes, %d sockets, more %t", len(body), sockets, more)
			}
			if len(people) != c.people {
				t.Errorf("%d people, want %d", len(people), c.people)
			}
			for _, p := range people {
				if (p.Subject == nil) != (c.subject == "") || !p.Writes {
					t.Errorf("got %+v", p)
				}
			}
		})
	}
}

func TestAnAttachmentWithTheLongestSubjectFits(t *testing.T) {
	subject := strings.Repeat("s", 1024)
	r := New(DefaultConfig, &fake{}, Stored{}, nil, scriptStart)
	r.Connect(1, Admission{Subject: subject, Session: session.Session{Subject: session.MarkOf(subject)}}, scriptStart)
	for client := range uint64(clientsPerSocket) {
		state := []byte(`"` + strings.Repeat("x", 300) + `"`)
		update := awareness.AppendUpdate(nil, awareness.Entry{Client: 1<<52 + client, Clock: 1 << 50, State: state})
		out, err := r.Message(1, abi.KindBinary, yproto.AppendAwareness(nil, update), scriptStart)
		if err != nil || len(out.Attach) != 1 || len(out.Attach[0].Data) > abi.MaxAttachment {
			t.Fatalf("client %d: %v, %d attachments", client, err, len(out.Attach))
		}
		again := New(DefaultConfig, &fake{}, Stored{}, []abi.Conn{{ID: 1, Attachment: out.Attach[0].Data}}, scriptStart)
		if s := again.sockets[1]; s.Subject != subject || s.heard.IsZero() {
			t.Errorf("came back as %+v", s)
		}
	}
}

func TestOnlyARequestForPeopleIsAnsweredWithoutARoom(t *testing.T) {
	for op := OpState; op <= OpPeople; op++ {
		reply, ok := Nobody(AppendRequest(nil, Request{Op: op}))
		if ok != (op == OpPeople) {
			t.Errorf("op %d: %t", op, ok)
		}
		if p, err := DecodeReply(reply); ok && (err != nil || string(p.Body) != `{"sockets":0,"people":[]}`) {
			t.Errorf("got %q, %v", p.Body, err)
		}
	}
}

// A version in a form is what a room shows whose document it is.
func TestAStateIsShownAsARoomShowsIt(t *testing.T) {
	a := &author{id: 1}
	state, err := yjs.MergeUpdates(a.typing("hello"), a.typing(" world"), a.setting(7))
	if err != nil {
		t.Fatal(err)
	}
	costly := DefaultConfig
	costly.IntegrateBytes = 0
	busy := DefaultConfig
	busy.Reserve = func(int) bool { return false }
	for _, config := range []Config{DefaultConfig, costly, busy} {
		for _, q := range []Request{
			{Op: OpText, Data: []byte("text b")}, {Op: OpText, Data: []byte("no such root")}, {Op: OpJSON}, {Op: OpJSON, Version: 20}, {Op: OpTree},
			{Op: OpState}, {Op: OpState, Version: 10}, {Op: OpState, Data: []byte{1, 1, 3}},
		} {
			stored := Stored{Meta: Meta{Seeded: true, Gen: 1, Size: len(state)}}
			r := New(config, &fake{parts: map[int64][][]byte{1: {state}}}, stored, nil, scriptStart)
			reply, _, err := r.Call(AppendRequest(nil, q), scriptStart)
			if err != nil {
				t.Fatal(err)
			}
			want, err := DecodeReply(reply)
			if err != nil {
				t.Fatal(err)
			}
			got, err := NewShown(config, append([]byte(nil), state...), scriptStart).Call(q)
			if err != nil || got.Status != want.Status || got.Cost != want.Cost || string(got.Body) != string(want.Body) {
				t.Errorf("%+v: got %d %q, %v, want %d %q", q, got.Status, got.Body, err, want.Status, want.Body)
			}
		}
	}
}
