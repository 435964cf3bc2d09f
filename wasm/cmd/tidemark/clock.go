//go:build !js && !soak

package main

import "tidemark/wasm/edge"

// serverClock is the clock of the server: nil is the wall clock. The build of `make soak` has
// another.
func serverClock() edge.Clock { return nil }
