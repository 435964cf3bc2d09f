package store

import (
	"context"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
)

// PutTicket keeps who may enter with the ticket of that hash until id.Expires,
// and forgets the tickets that nobody used in time.
func (s *Store) PutTicket(ctx context.Context, now time.Time, hash string, id auth.Identity) error {
	var scope, rooms any
	if !id.Scope.All {
		scope = id.Scope.Words
	}
	if id.Rooms.Limited {
		rooms = []byte(id.Rooms.Globs)
	}
	_, err := s.db.Batch(ctx, []abi.Statement{
		{SQL: "DELETE FROM Tickets WHERE expires_at <= ?1", Args: []any{now.UnixMilli()}},
		{SQL: "INSERT INTO Tickets (Hash, Subject, Scope, expires_at, Rooms) VALUES (?1, ?2, ?3, ?4, ?5)",
			Args: []any{hash, id.Subject, scope, id.Expires.UnixMilli(), rooms}},
	})
	if err != nil {
		return fmt.Errorf("put ticket: %w", err)
	}
	return nil
}

// TakeTicket answers who may enter with the ticket of that hash, and false if
// there is none or it has expired. One statement finds and deletes it, so that
// of two takers at most one gets it.
func (s *Store) TakeTicket(ctx context.Context, now time.Time, hash string) (id auth.Identity, found bool, err error) {
	results, err := s.db.Batch(ctx, []abi.Statement{
		{SQL: "DELETE FROM Tickets WHERE Hash = ?1 RETURNING Subject, Scope, expires_at, Rooms", Args: []any{hash}},
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
	expires, _ := row[2].(float64)
	globs, narrowed := row[3].([]byte)
	id = auth.Identity{
		Subject: string(subject),
		Scope:   auth.Scope{All: !limited, Words: string(scope)},
		Rooms:   auth.Rooms{Limited: narrowed, Globs: string(globs)},
		Expires: time.UnixMilli(int64(expires)),
	}
	return id, id.ValidAt(now) == nil, nil
}
