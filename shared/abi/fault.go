package abi

import "strings"

// An OpError is the error text of an op that failed.
type OpError string

func (e OpError) Error() string { return string(e) }

// passing are parts of the texts of temporary failures: the database or the room was
// overloaded, unreachable or reset.
// Cloudflare docs, D1: "Debug D1", error list; Durable Objects: "Troubleshooting".
var passing = []string{
	"overloaded",
	"Too many requests queued",
	"queued for too long",
	"Network connection lost",
	"transient issue",
	"caused object to be reset",
	"reset because its code was updated",
	"and was reset", // it exceeded its CPU time limit, or its memory limit
	"SQLITE_NOMEM",
	"SQLITE_BUSY",
}

// Passes reports whether the failure is temporary: the same op may succeed a little
// later. The op may also have had its effect.
func (e OpError) Passes() bool {
	for _, part := range passing {
		if strings.Contains(string(e), part) {
			return true
		}
	}
	return false
}
