//go:build !js

// Package gojs runs programs compiled with GOOS=js GOARCH=wasm under wazero: it
// supplies the imports that the pinned Go release's runtime needs and as much
// of a JavaScript world as the standard library and the guest touch while they
// boot.
//
// The world is small on purpose. A property, method or class that is not in it
// ends the program with an error that names it. There is no re-entry: a Go
// function given to JavaScript is queued and runs when the export that is
// running has returned. As on workerd, timers never fire.
//
// Go source: misc/wasm's wasm_exec.js of Go 1.26, runtime/sys_wasm.go,
// syscall/js/js.go.
package gojs
