//go:build js && wasm

// Command guest is the program of gojs's tests. Its argument chooses the action.
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall/js"
	"time"
)

var sum int

//go:wasmexport add
func add(a, b int32) int32 { return a + b }

//go:wasmexport start
func start() { go func() { sum++ }() }

//go:wasmexport started
func started() int32 { return int32(sum) }

//go:wasmexport allocate
func allocate(mb int32) { kept = append(kept, make([]byte, int(mb)<<20)) }

//go:wasmexport recurse
func recurse(n int32) int32 { return recurse(n+1) + 1 }

//go:wasmexport exit
func exit() { os.Exit(3) }

//go:wasmexport loop
func loop() {
	for {
		sum++
	}
}

// world prints what the program reads of its world.
//
//go:wasmexport world
func world() {
	println(time.Now().UTC().Format(time.RFC3339Nano) + " " + time.Since(begun).String() + " " + os.Getenv("A") + " " + rand.Text())
}

var (
	kept  [][]byte
	begun = time.Now()
)

func main() {
	switch os.Args[1] {
	case "print":
		fmt.Println("to stdout", os.Getenv("A"))
		fmt.Fprintln(os.Stderr, "to stderr")
		println("by println")
		_, err := os.Open("x")
		fmt.Println("open:", err)
	case "values":
		o := js.ValueOf(map[string]any{"s": "é", "n": 1.5, "zero": 0, "list": []any{true, nil}})
		b := js.Global().Get("Uint8Array").New(3)
		js.CopyBytesToJS(b, []byte("abc"))
		back := make([]byte, 3)
		js.CopyBytesToGo(back, b)
		fmt.Println(o.Get("s").String(), o.Get("n").Float(), o.Get("zero").Int(), o.Get("list").Length(),
			o.Get("list").Index(0).Bool(), o.Get("list").Index(1).IsNull(), o.Get("absent").IsUndefined(),
			string(back), js.ValueOf("a").Equal(js.ValueOf("a")), o.Get("s").Type(), b.Type(), b.Length())
		for i := range 20_000 {
			js.ValueOf(strconv.Itoa(i))
			if i%5_000 == 0 {
				runtime.GC()
				runtime.Gosched()
			}
		}
	case "context":
		env := js.Global().Get("context").Get("env")
		fmt.Println(env.Get("NAME"), env.Get("ABSENT"))
	case "time":
		n, err := rand.Read(make([]byte, 8))
		fmt.Println(time.Now().UTC().Format(time.RFC3339Nano), n, err)
	case "unknown":
		js.Global().Get("document")
	case "call":
		js.Global().Call("Date")
	}
	select {}
}
