package yroom

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/awareness"
	"tidemark/shared/yproto"
)

// A listener is a socket that stays for an hour. Its client sends news every so many
// seconds; 0 is never.
type listener struct {
	every  int
	clock  uint64
	heard  time.Time // of any message to it
	spoke  time.Time
	attach []byte
}

// Every connected client receives a message within 30 seconds: also viewers, and tabs in
// the background, which renew their presence once a minute. This holds if the room sleeps
// between any two events. If a client renews in time, the room sets no alarm.
func TestNobodyHearsNothingFor30Seconds(t *testing.T) {
	for _, every := range [][]int{{0}, {0, 0, 0}, {60}, {60, 60}, {15}, {17, 0}, {15, 18, 0, 60}, {1, 0}, {25, 25}, {70, 0}} {
		for seed := range uint64(20) {
			listenForAnHour(t, rand.New(rand.NewPCG(seed, 7)), every)
		}
		if t.Failed() {
			return
		}
	}
}

func listenForAnHour(t *testing.T, rnd *rand.Rand, every []int) {
	disk := &fake{meta: Meta{Seeded: true}}
	now, alarms := scriptStart, 0
	var alarm time.Time
	var room *Room
	all := map[Conn]*listener{}
	do := func(out Effects, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []*time.Time{out.Sooner, out.Alarm} {
			if at != nil {
				alarm = *at
				alarms++
			}
		}
		for _, w := range out.Store {
			disk.write(w)
		}
		for _, a := range out.Attach {
			all[a.Conn].attach = a.Data
		}
		for _, s := range out.Send {
			for conn, l := range all {
				if len(s.To) == 0 || slices.Contains(s.To, conn) {
					l.heard = now
				}
			}
		}
	}
	awake := func() *Room {
		if room == nil || rnd.IntN(3) > 0 {
			var open []abi.Conn
			for conn, l := range all {
				open = append(open, abi.Conn{ID: conn, Attachment: l.attach})
			}
			room = New(DefaultConfig, disk, disk.stored(), open, now)
		}
		return room
	}
	renews := false
	for second := range 3600 {
		now = scriptStart.Add(time.Duration(second) * time.Second)
		for i, n := range every {
			conn := Conn(i + 1)
			l := all[conn]
			if l == nil && second == 3*i {
				r := awake()
				l = &listener{every: n, heard: now, spoke: now}
				all[conn] = l
				do(r.Connect(conn, Admission{Write: true}, now), nil)
				renews = renews || n > 0 && n <= 18
			}
			if l != nil && n > 0 && now.Sub(l.spoke) >= time.Duration(n)*time.Second {
				l.spoke = now
				l.clock++
				e := awareness.Entry{Client: uint64(conn), Clock: l.clock, State: []byte(fmt.Sprint(l.clock))}
				do(awake().Message(conn, abi.KindBinary, yproto.AppendAwareness(nil, awareness.AppendUpdate(nil, e)), now))
			}
		}
		if !alarm.IsZero() && !alarm.After(now) {
			alarm = time.Time{}
			do(awake().Alarm(now))
		}
		for conn, l := range all {
			if silent := now.Sub(l.heard); silent >= 30*time.Second {
				t.Errorf("clients that speak every %v seconds: after %d s socket %d has heard nothing for %v", every, second, conn, silent)
				return
			}
		}
	}
	if most := 10; renews && alarms > most {
		t.Errorf("clients that speak every %v seconds: %d alarms in an hour, want at most %d", every, alarms, most)
	}
	if most := 3600/25 + 3600/15; alarms > most {
		t.Errorf("clients that speak every %v seconds: %d alarms in an hour, want at most %d", every, alarms, most)
	}
}
