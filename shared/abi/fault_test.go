package abi

import (
	"errors"
	"fmt"
	"testing"
)

// Cloudflare docs, D1: "Debug D1", error list.
func TestWhichFailuresPass(t *testing.T) {
	for text, want := range map[string]bool{
		"D1_ERROR: D1 DB is overloaded. Requests queued for too long.":                                    true,
		"D1_ERROR: D1 DB is overloaded. Too many requests queued.":                                        true,
		"D1_ERROR: Network connection lost.":                                                              true,
		"D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.":                           true,
		"D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.":             true,
		"D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.":             true,
		"D1_ERROR: D1 DB reset because its code was updated.":                                             true,
		"D1_ERROR: D1 DB exceeded its CPU time limit and was reset.":                                      true,
		"D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.":                              true,
		"D1_ERROR: out of memory: SQLITE_NOMEM":                                                           true,
		"Durable Object is overloaded. Too many requests queued.":                                         true,
		"D1_ERROR: no such table: customers: SQLITE_ERROR":                                                false,
		"D1_ERROR: UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)": false,
		"": false,
	} {
		if got := OpError(text).Passes(); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestWhichFailuresWantSpace(t *testing.T) {
	for text, want := range map[string]bool{
		"D1_ERROR: Exceeded maximum DB size.":                             true,
		"D1_ERROR: database or disk is full: SQLITE_FULL":                 true,
		"open the space: mkdir /data/do/Space: no space left on device":   true,
		"mkdir /data/do/Space: disk quota exceeded":                       true,
		"D1_ERROR: D1 DB is overloaded. Requests queued for too long.":    false,
		"D1_ERROR: attempt to write a readonly database: SQLITE_READONLY": false,
		"D1_ERROR: string or blob too big: SQLITE_TOOBIG":                 false,
	} {
		if got := Full(fmt.Errorf("push: %w", OpError(text))); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if Full(errors.New("SQLITE_FULL")) {
		t.Error("an error of the guest itself")
	}
}
