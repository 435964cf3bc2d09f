package tickets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/worker/store"
)

// A Revocation ends the token of an ID, or the tokens that a subject had by At.
// The other text is "". After Until, unless it is zero, it ends nothing.
type Revocation struct {
	Subject, TokenID string
	At, Until        time.Time
}

// A Place is a room in which there may be sockets of a subject or of a token.
type Place struct{ Binding, Room string }

// MaxRevocations bounds those that are kept, as each instance remembers all.
const MaxRevocations = 20_000

// ErrRevocations says that MaxRevocations are kept.
var ErrRevocations = errors.New("too many revocations are kept")

// revocationsAtOnce bounds the rows that one statement reads.
const revocationsAtOnce = 1000

// Sessions knows which tokens were revoked, and where their sockets are. It keeps
// no state, so any number of requests may share it.
type Sessions struct{ db store.DB }

// NewSessions returns the sessions in db.
func NewSessions(db store.DB) *Sessions { return &Sessions{db} }

const deleteRevocations = "DELETE FROM Revocations WHERE n IN (SELECT n FROM Revocations WHERE until <= ?1 LIMIT ?2)"

// Revoke keeps a revocation, and deletes some of those that are over. It returns
// ErrRevocations if there is no place for it.
func (s *Sessions) Revoke(ctx context.Context, now time.Time, r Revocation) error {
	results, err := s.db.Batch(ctx, []abi.Statement{
		{SQL: deleteRevocations, Args: []any{now.UnixMilli(), expiredAtOnce}},
		{SQL: "DELETE FROM Revocations WHERE Subject = ?1 AND TokenId = ?2", Args: []any{r.Subject, r.TokenID}},
		{SQL: "INSERT INTO Revocations (Subject, TokenId, revoked_at, until) SELECT ?1, ?2, ?3, ?4 " +
			"WHERE (SELECT count(*) FROM Revocations) < ?5",
			Args: []any{r.Subject, r.TokenID, r.At.UnixMilli(), store.Millis(r.Until), MaxRevocations}},
	})
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if results[2].Changes == 0 {
		return ErrRevocations
	}
	return nil
}

// readRevocations are the statements that read those after a number, and the
// number of the last.
func readRevocations(after int64) []abi.Statement {
	return []abi.Statement{
		{SQL: "SELECT n, Subject, TokenId, revoked_at, until FROM Revocations WHERE n > ?1 ORDER BY n LIMIT ?2",
			Args: []any{after, revocationsAtOnce}},
		{SQL: "SELECT coalesce(max(n), 0) FROM Revocations"},
	}
}

// Revocations returns those after a number, with the number of the last one that
// it knows of. If the database was restored and does not know that number yet, it
// returns all that there are.
func (s *Sessions) Revocations(ctx context.Context, after int64) (list []Revocation, last int64, err error) {
	results, err := s.db.Batch(ctx, readRevocations(after))
	if err != nil {
		return nil, after, fmt.Errorf("read the revocations: %w", err)
	}
	return s.readOn(ctx, results, after)
}

const deletePlaces = "DELETE FROM SocketPlaces WHERE (until, Subject, TokenId, Binding, Room) IN " +
	"(SELECT until, Subject, TokenId, Binding, Room FROM SocketPlaces WHERE until > 0 AND until <= ?1 LIMIT ?2)"

// Enter notes that a socket of an identity is about to be opened at a place, and
// returns what Revocations does, as one transaction: either this finds the
// revocation of the identity, or the revocation finds the place.
func (s *Sessions) Enter(ctx context.Context, now time.Time, id auth.Identity, p Place, after int64) (list []Revocation, last int64, err error) {
	const day = 24 * time.Hour
	until := int64(0)
	if !id.Expires.IsZero() {
		until = id.Expires.Truncate(day).Add(day).UnixMilli()
	}
	results, err := s.db.Batch(ctx, append([]abi.Statement{
		{SQL: deletePlaces, Args: []any{now.UnixMilli(), expiredAtOnce}},
		{SQL: "INSERT OR IGNORE INTO SocketPlaces VALUES (?1, ?2, ?3, ?4, ?5)",
			Args: []any{until, id.Subject, id.ID, p.Binding, p.Room}},
	}, readRevocations(after)...))
	if err != nil {
		return nil, after, fmt.Errorf("note a socket's place: %w", err)
	}
	return s.readOn(ctx, results[2:], after)
}

// readOn makes the list of the results of readRevocations(after), and reads on while
// there are more.
func (s *Sessions) readOn(ctx context.Context, results []abi.Result, after int64) (list []Revocation, last int64, err error) {
	again := store.Number(results[1], 0) < float64(after)
	if again {
		after = 0
	}
	for {
		if again {
			if results, err = s.db.Batch(ctx, readRevocations(after)); err != nil {
				return nil, 0, fmt.Errorf("read the revocations: %w", err)
			}
		}
		rows := results[0].Rows
		for _, row := range rows {
			subject, _ := row[1].(abi.Text)
			token, _ := row[2].(abi.Text)
			list = append(list, Revocation{
				Subject: string(subject), TokenID: string(token), At: store.Time(row[3]), Until: store.Time(row[4]),
			})
			after = store.Integer(row[0])
		}
		if len(rows) < revocationsAtOnce {
			return list, after, nil
		}
		again = true
	}
}

// Places returns where sockets of a revocation may be, at most limit after a
// place, in their order.
func (s *Sessions) Places(ctx context.Context, r Revocation, after Place, limit int) ([]Place, error) {
	column, value := "Subject", r.Subject
	if r.TokenID != "" {
		column, value = "TokenId", r.TokenID
	}
	results, err := s.db.Batch(ctx, []abi.Statement{{
		SQL: "SELECT DISTINCT Binding, Room FROM SocketPlaces WHERE " + column + " = ?1 AND (Binding, Room) > (?2, ?3) " +
			"ORDER BY Binding, Room LIMIT ?4",
		Args: []any{value, after.Binding, after.Room, limit},
	}})
	if err != nil {
		return nil, fmt.Errorf("find the sockets of a revocation: %w", err)
	}
	var places []Place
	for _, row := range results[0].Rows {
		binding, _ := row[0].(abi.Text)
		room, _ := row[1].(abi.Text)
		places = append(places, Place{string(binding), string(room)})
	}
	return places, nil
}
