//go:build js && wasm

// Command early does before boot what a guest must not do.
package main

import (
	"crypto/rand"
	"os"
	"syscall/js"
	"time"
)

// does is what it does: the linker sets it.
var does string

var held any

func main() {
	switch does {
	case "time":
		held = time.Now()
	case "random":
		held = rand.Text()
	case "call":
		held = js.Global().Call("Date")
	case "string":
		held = js.Global().Get("Object").Get("name")
	case "exit":
		os.Exit(3)
	}
	<-make(chan int)
}
