package tickets

import (
	"context"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/worker/store"
)

// expiredAtOnce bounds how many rows that are over one request deletes, beside its own
// work. A request adds one row, so that the deletions keep up.
const expiredAtOnce = 200

// voidedAtOnce bounds the tickets that one step of a restore deletes.
const voidedAtOnce = 2_000

// A Store keeps tickets between their issue and their use. It has no state, so any
// number of requests may share it.
type Store struct{ db store.DB }

// New returns the tickets in db.
func New(db store.DB) *Store { return &Store{db} }

const deleteTickets = "DELETE FROM Tickets WHERE Hash IN (SELECT Hash FROM Tickets WHERE expires_at <= ?1 LIMIT ?2)"

// PutTicket keeps the identity that the ticket of that hash admits until the given
// time. It deletes some of the tickets that expired. It does not keep Spaces: the identity
// must be narrowed by In to the space whose tickets these are, or it allows nothing. Nor
// does it keep Claims, as no socket needs them.
// Of a scope that allows all it keeps no words beside that.
func (s *Store) PutTicket(ctx context.Context, now time.Time, hash string, until time.Time, id auth.Identity) error {
	var scope, rooms, token any
	if !id.Scope.All {
		scope = id.Scope.Words
	}
	if id.Rooms.Limited {
		rooms = []byte(id.Rooms.Globs)
	}
	if id.ID != "" {
		token = id.ID
	}
	_, err := s.db.Batch(ctx, []abi.Statement{
		{SQL: deleteTickets, Args: []any{now.UnixMilli(), expiredAtOnce}},
		{SQL: "INSERT INTO Tickets (Hash, Subject, Scope, expires_at, Rooms, TokenId, token_issued_at, token_expires_at) " +
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			Args: []any{hash, id.Subject, scope, until.UnixMilli(), rooms, token, store.Millis(id.Issued), store.Millis(id.Expires)}},
	})
	if err != nil {
		return fmt.Errorf("put ticket: %w", err)
	}
	return nil
}

// TakeTicket returns the identity that the ticket of that hash admits, with the end
// of its token, and false if there is no such ticket or it has expired. One statement
// finds and deletes the ticket, so that of two callers at most one gets it.
func (s *Store) TakeTicket(ctx context.Context, now time.Time, hash string) (id auth.Identity, found bool, err error) {
	results, err := s.db.Batch(ctx, []abi.Statement{
		{SQL: "DELETE FROM Tickets WHERE Hash = ?1 " +
			"RETURNING Subject, Scope, expires_at, Rooms, TokenId, token_issued_at, token_expires_at", Args: []any{hash}},
	})
	if err != nil {
		return id, false, fmt.Errorf("take ticket: %w", err)
	}
	if len(results) != 1 || len(results[0].Rows) == 0 {
		return id, false, nil
	}
	row := results[0].Rows[0]
	subject, _ := row[0].(abi.Text)
	scope, limited := row[1].(abi.Text)
	until, _ := row[2].(float64)
	globs, narrowed := row[3].([]byte)
	token, _ := row[4].(abi.Text)
	id = auth.Identity{
		Subject: string(subject),
		Scope:   auth.Scope{All: !limited, Words: string(scope)},
		Rooms:   auth.Rooms{Limited: narrowed, Globs: string(globs)},
		ID:      string(token),
		Issued:  store.Time(row[5]),
		Expires: store.Time(row[6]),
	}
	return id, now.UnixMilli() < int64(until) && id.ValidAt(now) == nil, nil
}

// Restore must be called once after the database was restored to an earlier point.
// It deletes all tickets: one that the database holds may have been used since. Each step
// is a transaction. After an error Restore must be called again.
func (s *Store) Restore(ctx context.Context, _ time.Time) error {
	for {
		results, err := s.db.Batch(ctx, []abi.Statement{
			{SQL: "DELETE FROM Tickets WHERE Hash IN (SELECT Hash FROM Tickets LIMIT ?1)", Args: []any{voidedAtOnce}},
			{SQL: "SELECT EXISTS (SELECT 1 FROM Tickets)"},
		})
		if err != nil {
			return fmt.Errorf("delete the tickets: %w", err)
		}
		if store.Number(results[1], 0) == 0 {
			return nil
		}
	}
}
