package abi

import (
	"errors"
	"strings"
)

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
	NoDescriptor,
}

// NoDescriptor begins the text of an op that failed because the host may open no more files: it
// is also what the system says.
const NoDescriptor = "too many open files"

// full are parts of the texts of failures for want of space: the disk is full, or the
// database has the greatest size that Cloudflare allows.
// Cloudflare docs, D1: "Debug D1", error list.
var full = []string{"SQLITE_FULL", "Exceeded maximum DB size", "no space left on device", "disk quota exceeded"}

// Full reports whether an op, or an import, failed because there was no space to store
// something. It had no effect.
func Full(err error) bool {
	var failed OpError
	return errors.As(err, &failed) && failed.hasAny(full)
}

// Passes reports whether the failure is temporary: the same op may succeed a little
// later. The op may also have had its effect.
func (e OpError) Passes() bool { return e.hasAny(passing) }

func (e OpError) hasAny(parts []string) bool {
	for _, part := range parts {
		if strings.Contains(string(e), part) {
			return true
		}
	}
	return false
}
