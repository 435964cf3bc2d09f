package abi

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	in := []Message{{7, KindText, []byte("é")}, {1 << 30, KindBinary, []byte{0, 255}}, {7, KindBinary, []byte{}}}
	b := AppendMessages(nil, in)
	got, err := DecodeMessages(b)
	if d := cmp.Diff(in, got); d != "" || err != nil {
		t.Error(d, err)
	}
	ends := map[int]bool{0: true, 11: true, 22: true} // of messages
	for i := range b {
		if _, err := DecodeMessages(b[:i]); (err == nil) != ends[i] {
			t.Errorf("cut at %d of %d: %v", i, len(b), err)
		}
	}
	for i := range b {
		b[i] = 0
	}
	if string(got[0].Data) != "é" {
		t.Error("it is no copy")
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(AppendMessages(nil, []Message{{7, KindText, []byte("a")}, {8, KindBinary, nil}}))
	f.Add([]byte{1, 0, 0, 0, 2, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		messages, err := DecodeMessages(b)
		if len(messages) > len(b)/9+1 {
			t.Errorf("%d messages of %d bytes", len(messages), len(b))
		}
		if err != nil {
			return
		}
		if d := cmp.Diff(string(b), string(AppendMessages(nil, messages))); d != "" {
			t.Error(d)
		}
	})
}
