//go:build !js

package wasmtest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"tidemark/shared/abi"
)

// An Object stands in for a Durable Object in tests without a guest: its storage is SQLite
// in memory. One event runs at a time. It ends with the test.
type Object struct {
	// Entered counts the events, and Stored the transactions that were committed.
	Entered, Stored atomic.Int64

	t     testing.TB
	event sync.Mutex
	db    *D1
	erase bool
}

// NewObject returns an object that has stored nothing.
func NewObject(t testing.TB) *Object { return &Object{t: t, db: OpenD1(t, nil)} }

// Enter runs f in an event.
func (o *Object) Enter(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.event.Lock()
	defer o.event.Unlock()
	o.Entered.Add(1)
	f()
	if o.erase {
		o.db.Close()
		o.db, o.erase = OpenD1(o.t, nil), false
	}
	return nil
}

// Exec runs statements as one transaction.
func (o *Object) Exec(statements ...abi.Statement) ([]abi.Result, error) {
	results, err := o.db.Batch(context.Background(), statements)
	if err == nil {
		o.Stored.Add(1)
	}
	return asOfObject(results), err
}

// Try is Exec, and then undoes all that the statements wrote.
func (o *Object) Try(statements ...abi.Statement) ([]abi.Result, error) {
	results, err := o.db.Try(context.Background(), statements)
	return asOfObject(results), err
}

// asOfObject changes the results of a database to those of a Durable Object on workerd,
// which counts the rows of indexes as changes, too.
func asOfObject(results []abi.Result) []abi.Result {
	for i := range results {
		results[i].Changes *= 3
	}
	return results
}

// Erase deletes all that the object has stored, when the event has ended.
func (o *Object) Erase() { o.erase = true }

// Size returns how much the object has stored, in bytes.
func (o *Object) Size() int64 {
	results, err := o.db.Batch(context.Background(), []abi.Statement{{
		SQL: `SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
	}})
	if err != nil {
		o.t.Fatal(err)
	}
	return int64(results[0].Rows[0][0].(float64))
}

// Tables returns how many tables the object has.
func (o *Object) Tables() int {
	results, err := o.db.Batch(context.Background(), []abi.Statement{{SQL: `SELECT count(*) FROM sqlite_master WHERE type = 'table'`}})
	if err != nil {
		o.t.Fatal(err)
	}
	return int(results[0].Rows[0][0].(float64))
}
