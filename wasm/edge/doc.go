//go:build !js

// Package edge runs a Worker and its Durable Objects in one process, by the host
// ABI (package abi): instances of the compiled guest under wazero, D1 and the
// storage of objects on SQLite, alarms, hibernating WebSockets, static assets.
// It knows what Workers do and nothing of what the guest is for.
//
// A Worker has several isolates, each with one running instance of the guest.
// Requests go to whichever is free; an object lives in the isolate that its
// name hashes to. An isolate is a monitor: the goroutine that holds its lock runs the guest. So
// a request that waits for nothing costs no hand-over. What a request waits for
// happens outside of the lock, and comes back through settle.
package edge
