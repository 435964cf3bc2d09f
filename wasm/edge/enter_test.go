//go:build !js

package edge_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"tidemark/wasm/wasmtest"
)

func TestARequestThatBeganBeforeItsObjectWasMadeAnewWritesNothing(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	for name, makeAnew := range map[string]func(){
		"erased":   func() { want(t, s, "DELETE", object("erased", "enter&command=erase"), "", 200, "erased") },
		"panicked": func() { want(t, s, "POST", "/room/panicked/call", "panic", 200, "") },
		"failed":   func() { do(t, s, "POST", object("failed", "enter&command=panic"), "") },
	} {
		waiters(t, s, name)
		old := waiting(t, s, name, name)
		makeAnew()
		want(t, s, "POST", "/room/"+name+"/call", "add new", 200, "1")
		want(t, s, "POST", "/room/"+name+"/call", "wake "+name, 200, "true")
		if got := <-old; !strings.HasPrefix(got, "500 ") || !strings.Contains(got, "and was reset") {
			t.Errorf("%s: got %s", name, got)
		}
		want(t, s, "POST", "/room/"+name+"/call", "log", 200, `["new"]`)
	}
	atRest(t, s, 100)
}

func TestAnInstanceKeepsOneOfAnObjectThatWasMadeAnewOften(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	waiters(t, s, "r")
	old := waiting(t, s, "r", "r")
	for range 50 {
		want(t, s, "DELETE", object("r", "enter&command=erase"), "", 200, "erased")
		want(t, s, "POST", "/room/r/call", "add x", 200, "1")
	}
	if got := readStats(t, s).Objects; got != 2 { // the first one has a request
		t.Errorf("the instance keeps %d objects", got)
	}
	want(t, s, "POST", "/room/r/call", "wake r", 200, "true")
	<-old
	if got := readStats(t, s).Objects; got != 1 {
		t.Errorf("after the request the instance keeps %d objects", got)
	}
}

// A request waits while the instance sees more objects than it keeps.
func TestAnObjectWithARequestIsKept(t *testing.T) {
	s := start(t, wasmtest.Options{})
	waiters(t, s, "r")
	busy := waiting(t, s, "r", "k")
	seen := func() (n string) { _, n = do(t, s, "POST", "/room/bare-idle/call", "count"); return n }
	if n := seen(); n != "1" {
		t.Fatalf("an object has seen %s events", n)
	}
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for n := range 520 {
				want(t, s, "POST", fmt.Sprintf("/room/bare-%d-%d/call", client, n), "echo x", 200, "x")
			}
		})
	}
	wg.Wait()
	if n := seen(); n != "1" {
		t.Errorf("the instance keeps an idle object: it has seen %s events", n)
	}
	want(t, s, "POST", "/room/bare-0-519/call", "wake k", 200, "true")
	if got := <-busy; !strings.HasPrefix(got, "200 ") {
		t.Errorf("got %s", got)
	}
	atRest(t, s, 100)
}

func TestAnEventThatPanicsIsAnErrorOfItsRequest(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	want(t, s, "POST", object("r", "enter&command=panic"), "", 500, "host: the event panicked")
	want(t, s, "POST", object("r", "enter&command=add+x"), "", 200, "1")
	atRest(t, s, 100)
}

func TestAnObjectIsErasedUnlessTheInstanceEndsInThatEvent(t *testing.T) {
	s := start(t, wasmtest.Options{Log: io.Discard})
	want(t, s, "POST", "/room/r/call", "add kept", 200, "1")
	if status, got := do(t, s, "POST", object("r", "enter&command=erase-exit"), ""); status != 500 {
		t.Errorf("got %d %s", status, got)
	}
	want(t, s, "POST", "/room/r/call", "log", 200, `["kept"]`)
}
