package records

import (
	"context"
	"errors"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/trpc"
	"tidemark/shared/watermelon"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
)

// Store keeps the tables; *dialect.Watermelon does. Inputs and answers are raw JSON, an
// empty input is none. Errors are *watermelon.InputError, *watermelon.ConflictError,
// watermelon.ErrTooLarge, or internal.
type Store interface {
	Pull(ctx context.Context, caller record.Caller, input []byte, b store.Budget) (answer ijson.Pieces, octets int, err error)
	Push(ctx context.Context, now time.Time, caller record.Caller, input []byte) (answer []byte, changed []syncroom.Change, err error)
	Stamp(ctx context.Context) (record.Stamp, error)
	Checksum(ctx context.Context, caller record.Caller, b store.Budget) (answer []byte, err error)
	Row(ctx context.Context, caller record.Caller, table, id string, b store.Budget) (answer []byte, err error)
	Restore(ctx context.Context, now time.Time) (floor record.Stamp, err error)
	Purge(ctx context.Context, now time.Time, keep time.Duration) (record.Purged, error)
	Rows
}

// A Restorer adapts what it keeps to a database that was restored to an earlier
// point; *tickets.Store and *projects.Store do.
type Restorer interface {
	Restore(ctx context.Context, now time.Time) error
}

// A Config is what the routes work with in one space.
type Config struct {
	Store Store
	// Restorers run before Store.Restore, in order. The operator repeats a restore that failed.
	Restorers []Restorer
}

type handler struct {
	of         func(*door.Call) *Config
	procedures map[string]trpc.Kind
}

// Sections are the routes of tRPC, and those below /sync/. of returns what a call works with.
func Sections(of func(*door.Call) *Config) (rpc, sync *door.Section) {
	h := &handler{of: of, procedures: kinds()}
	rpc = &door.Section{
		Roots: []string{"/trpc", "/trpc/"},
		// The dialect has its own form for each error, of a method or a path too. So
		// the handler admits the caller itself, after it has read the request's head.
		// Only a path that no pattern has, such as /trpc%2Fsync.pull, is left for Admit.
		Routes: []door.Route{
			{Name: "trpc", Method: door.AnyMethod, Pattern: "/trpc/{procedures...}", Open: true, Serve: h.trpc},
			{Name: "trpc.none", Method: door.AnyMethod, Pattern: "/trpc", Open: true, Serve: h.trpc},
		},
		Headers: "trpc-accept, x-trpc-source",
		Admit:   (*door.Call).Admit,
		Missing: door.ErrNoPath,
		Refuse:  func(c *door.Call, err error) { writeResponse(c, trpc.ErrorResponse(explain(c, err))) },
	}
	sync = &door.Section{
		Roots: []string{"/sync/"},
		Routes: append([]door.Route{
			{Name: "sync.pull", Method: "GET", Pattern: "/sync/pull", Permission: auth.SyncRead, Serve: h.turbo},
			{Name: "sync.checksum", Method: "GET", Pattern: "/sync/checksum", Permission: auth.SyncRead, Serve: h.checksum},
			{Name: "sync.explain", Method: "GET", Pattern: "/sync/explain", Permission: auth.SyncRead, Serve: h.explain},
			{Name: "sync.subscribe", Method: "GET", Pattern: "/sync/subscribe", Socket: true, Permission: auth.SyncRead, Serve: h.subscribe},
			{Name: "sync.restore", Method: "POST", Pattern: "/sync/restore", Permission: auth.SyncAdmin, Logged: true, Serve: h.restore},
			{Name: "sync.purge", Method: "POST", Pattern: "/sync/purge", Permission: auth.SyncAdmin, Logged: true, Serve: h.purge},
		}, h.inspecting()...),
		Headers: "trpc-accept, x-trpc-source",
		Admit:   (*door.Call).Admit,
		Missing: door.ErrNoPath,
		Refuse:  door.Refuse,
	}
	return rpc, sync
}

// callerOf is who makes the call, for the rules of the tables. The words are those of the
// scope in the root or space of the call.
func callerOf(id auth.Identity) record.Caller {
	words := strings.Join(strings.Fields(id.Scope.Words), " ") // a token may have other white space
	return record.Caller{Subject: id.Subject, Words: words, Claims: id.Claims}
}

var changeKinds = map[inspect.Why]door.Kind{
	inspect.RowUnknown: door.NotFound, inspect.RowDeleted: door.Conflict, inspect.RowChanged: door.PreconditionFailed,
}

// failureOf turns the errors of the store into failures. It returns other errors as
// they are.
func failureOf(err error) error {
	var input *watermelon.InputError
	var conflict *watermelon.ConflictError
	var change *inspect.ChangeError
	switch {
	case errors.As(err, &change):
		return door.Fail(changeKinds[change.Why], change.Error())
	case errors.As(err, &input):
		f := door.Fail(door.BadRequest, input.Error())
		if input.TooLarge {
			f.Kind = door.PayloadTooLarge
		}
		f.Members = input.Data()
		return f
	case errors.As(err, &conflict):
		f := door.Fail(door.Conflict, conflict.Error())
		f.Members = conflict.Data()
		return f
	case errors.Is(err, watermelon.ErrTooLarge):
		return door.Fail(door.PayloadTooLarge, err.Error())
	}
	return err
}
