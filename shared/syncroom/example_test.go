package syncroom_test

import (
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/room"
	"tidemark/shared/syncroom"
)

// A host performs the effects of each event, in the order of the fields. Here it prints them.
func perform(e room.Effects) {
	if e.Timer > 0 {
		fmt.Println("call Timer in", e.Timer)
	}
	for _, s := range e.Send {
		to := fmt.Sprint(s.To)
		if s.ToAll() {
			to = "all"
		}
		fmt.Printf("send to %s: %s\n", to, s.Data)
	}
	for _, c := range e.Close {
		fmt.Println("close", c.Conn, c.Code, c.Reason)
	}
}

// Two pushes change the same table. The room tells its subscriber of the first one at once, and
// of the second one when the timer rings.
func Example() {
	now := time.Unix(0, 0)
	open := []abi.Conn{{ID: 1}}
	r := syncroom.New(func() []abi.Conn { return open }, false)
	perform(r.Connect(1, syncroom.Admission{At: 7}.Append(nil), now))
	for _, at := range []syncroom.Position{8, 9} {
		change := syncroom.Change{Table: "customers", At: at}
		effects, err := r.Call(syncroom.AppendChanges(nil, []syncroom.Change{change}), now)
		if err != nil {
			fmt.Println(err)
			return
		}
		perform(effects)
	}
	perform(r.Timer(now))
	// Output:
	// send to [1]: {"type":"hello","table":"*","stamp":7}
	// call Timer in 10ms
	// send to all: {"type":"change","table":"customers","stamp":8}
	// call Timer in 10ms
	// send to all: {"type":"change","table":"customers","stamp":9}
}
