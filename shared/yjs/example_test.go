package yjs_test

import (
	"fmt"

	"tidemark/shared/yjs"
)

// The updates that yjs sends when the clients 1 and 2 each insert a text into an empty document:
//
//	doc.clientID = 1; doc.getText("note").insert(0, "Hello")
var (
	hello = []byte("\x01\x01\x01\x00\x04\x01\x04note\x05Hello\x00")
	world = []byte("\x01\x01\x02\x00\x04\x01\x04note\x06 world\x00")
)

// A server applies the updates of its clients in any order, and sends a peer the update
// that the peer lacks.
func Example() {
	doc := yjs.New(yjs.Options{})
	for _, update := range [][]byte{world, hello} {
		if _, err := doc.Apply(update); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(doc.Text("note"))

	peer := yjs.New(yjs.Options{})
	if _, err := peer.Apply(hello); err != nil {
		fmt.Println(err)
		return
	}
	missing, err := doc.EncodeStateAsUpdate(peer.EncodeStateVector())
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := peer.Apply(missing); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(peer.Text("note"))
	// Output:
	// Hello world
	// Hello world
}

// Apply returns the change that is new to the document: nothing for a repeated update.
func ExampleDoc_Apply() {
	doc := yjs.New(yjs.Options{})
	first, err := doc.Apply(hello)
	fmt.Println(len(first), err)
	again, err := doc.Apply(hello)
	fmt.Println(len(again), err)
	_, err = doc.Apply([]byte{1, 1})
	fmt.Println(err, doc.Text("note"))
	// Output:
	// 18 <nil>
	// 0 <nil>
	// yjs: decode update: byte 1: count exceeds the bytes left Hello
}

// Updates can be merged, and compared with a state vector, without a document.
func ExampleMergeUpdates() {
	merged, err := yjs.MergeUpdates(hello, world)
	if err != nil {
		fmt.Println(err)
		return
	}
	vector, err := yjs.StateVectorFromUpdate(hello)
	if err != nil {
		fmt.Println(err)
		return
	}
	missing, err := yjs.DiffUpdate(merged, vector)
	fmt.Printf("%q %v\n", missing, err)
	// Output: "\x01\x01\x02\x00\x04\x01\x04note\x06 world\x00" <nil>
}

// Validate checks an update from an unknown client, and counts its contents, before the
// server allocates memory for it.
func ExampleValidate() {
	summary, err := yjs.Validate(hello, yjs.Limits{Clients: 10, Structs: 10, Deletes: 10})
	fmt.Println(summary.Items, summary.Deletes, err)
	_, err = yjs.Validate([]byte{2}, yjs.Limits{Clients: 10, Structs: 10, Deletes: 10})
	fmt.Println(err)
	// Output:
	// 1 0 <nil>
	// byte 1: count exceeds the bytes left
}
