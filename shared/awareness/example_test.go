package awareness_test

import (
	"fmt"
	"time"

	"tidemark/shared/awareness"
)

// A server keeps who is present in a room. It forwards what is news, sends everybody's state to
// a client that arrives, and removes the clients that have been silent for too long.
func Example() {
	var room awareness.States
	now := time.Unix(0, 0)

	// Client 7 announces itself.
	update := awareness.AppendUpdate(nil, awareness.Entry{Client: 7, Clock: 1, State: []byte(`{"name":"Ann"}`)})
	change, err := room.Apply(update, now)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("added:", change.Added)

	// Clients send back what they hear. That is no news, and the server forwards nothing.
	change, err = room.Apply(update, now.Add(time.Second))
	fmt.Println("news:", !change.Empty(), err)

	// What a client that arrives gets to know.
	entries, err := awareness.Decode(room.AppendUpdate(nil, room.Present()...), awareness.DefaultLimits)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Printf("client %d: %s\n", e.Client, e.State)
	}

	change = room.Expire(now.Add(time.Second + awareness.Timeout))
	fmt.Println("removed:", change.Removed)
	// Output:
	// added: [7]
	// news: false <nil>
	// client 7: {"name":"Ann"}
	// removed: [7]
}
