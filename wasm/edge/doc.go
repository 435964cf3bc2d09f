//go:build !js

// Package edge runs a Worker and its Durable Objects in one process, by the host
// ABI (package abi): instances of the compiled guest under wazero, D1 and the
// storage of objects on SQLite, alarms, hibernating WebSockets, static assets.
// It knows the rules of Workers, and nothing of the guest's own work.
//
// A Worker has several isolates, each with one running instance of the guest.
// A request goes to a free isolate; an object lives in the isolate that the hash
// of its name chooses. An isolate is a monitor: the goroutine that holds its lock
// runs the guest. So a request without ops never changes its goroutine. The ops
// of a request run outside of the lock, and settle brings their results.
package edge
