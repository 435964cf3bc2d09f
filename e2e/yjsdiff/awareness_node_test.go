//go:build !js

package yjsdiff_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"tidemark/shared/awareness"
	"tidemark/shared/yproto"
)

// A room is a line of awareness.mjs: awareness updates, the states that y-protocols derived
// from them, and its frames of messages.
type room struct {
	Seed  int
	Steps []struct {
		In     []byte   // an update to apply, or
		Remove []uint64 // clients to remove
		Event  awareness.Change
		States []byte // then, of all clients that are known
	}
	Frames []struct {
		Kind           yproto.Kind
		Payload, Frame []byte
	}
}

func TestRoomsEqualYProtocols(t *testing.T) {
	const rooms = 500
	seed := firstSeed(t)
	cmd := exec.Command(node(t), "awareness.mjs", strconv.Itoa(seed), strconv.Itoa(rooms))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(bytes.NewReader(out))
	for range rooms {
		var r room
		if err := lines.Decode(&r); err != nil {
			t.Fatal(err)
		}
		r.check(t)
		if t.Failed() {
			t.Fatalf("see it again with YJSDIFF_SEED=%d", r.Seed)
		}
	}
}

func (r *room) check(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var states awareness.States
	for i, step := range r.Steps {
		var got awareness.Change
		if step.Remove != nil {
			got = states.Remove(now, step.Remove...)
		} else {
			var err error
			if got, err = states.Apply(step.In, now); err != nil {
				t.Errorf("step %d, %x: %v", i, step.In, err)
			}
		}
		want := step.Event
		if !slices.Equal(got.Added, want.Added) || !slices.Equal(got.Updated, want.Updated) || !slices.Equal(got.Removed, want.Removed) {
			t.Errorf("step %d, %x: got %+v, want %+v", i, step.In, got, want)
		}
		same(t, "states after step "+strconv.Itoa(i), states.AppendUpdate(nil, 1, 2, 3, 4), step.States, nil)
	}
	for _, f := range r.Frames {
		m, rest, err := yproto.Decode(f.Frame)
		if err != nil || m.Kind != f.Kind || !bytes.Equal(m.Payload, f.Payload) || len(rest) > 0 {
			t.Errorf("%x: got kind %d, %x, rest %x, %v; want kind %d, %x", f.Frame, m.Kind, m.Payload, rest, err, f.Kind, f.Payload)
		}
	}
}
