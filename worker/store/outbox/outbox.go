// Package outbox keeps the changes of which the receiver of webhooks does not know yet, beside the
// data that changed: in D1, in the object of a space, or in that of a document. store.Announce adds the rows.
package outbox

import (
	"context"
	"fmt"
	"strconv"

	"tidemark/shared/abi"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/webhook"
	"tidemark/worker/store"
)

// A Kind says of which data an outbox is. It returns the SQL of the mark of an event, see
// webhook.Event, at the time when it is composed, of the row of Webhooks with that key.
type Kind func(webhook.Type) string

// OfRows is the Kind of the root and of spaces.
func OfRows(t webhook.Type) string {
	switch t {
	case webhook.RecordsChanged:
		return "(SELECT stamp FROM Clock)"
	case webhook.ProjectChanged:
		return "coalesce((SELECT seq FROM ProjectSequences WHERE project_id = key), 0)"
	}
	return "''"
}

// OfDocument is the Kind of a document's room: the number of its last update, as yroom.ETag takes it.
func OfDocument(webhook.Type) string {
	return `max(coalesce((SELECT n + max(updates, 1) - 1 FROM log ORDER BY n DESC LIMIT 1), 0), coalesce((SELECT compacted FROM room), 0))`
}

// An Outbox is what waits in one database.
type Outbox struct {
	db   store.DB
	mark Kind
}

// New returns the outbox in db.
func New(db store.DB, mark Kind) *Outbox { return &Outbox{db, mark} }

// Read returns the state, and the first row that waits, nil if there is none.
func (o *Outbox) Read(ctx context.Context) (s webhook.State, head *webhook.Row, err error) {
	results, err := o.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT state, event, (SELECT min(n) FROM Webhooks), (SELECT type FROM Webhooks ORDER BY n LIMIT 1) FROM WebhookState`},
	})
	if err == nil && len(results[0].Rows) > 0 { // a space that was not made has no row
		r := results[0]
		if err = jsonvalue.Unmarshal(store.Text(r, 0), &s); err == nil {
			s.Event, err = eventOf(store.Text(r, 1))
		}
		s.Resumed() // the instance that composed the event may have ended before it stored the state
		if t := store.Text(r, 3); t != nil {
			head = &webhook.Row{N: int64(store.Number(r, 2)), Type: webhook.Type(t)}
		}
	}
	if err != nil {
		return s, nil, fmt.Errorf("read the outbox: %w", err)
	}
	return s, head, nil
}

func eventOf(text []byte) (e *webhook.Event, err error) {
	if text == nil {
		return nil, nil
	}
	e = &webhook.Event{}
	return e, jsonvalue.Unmarshal(text, e)
}

// Compose makes an event of a row, and of all rows of its type if that is RecordsChanged. What
// changes from then on waits in rows of its own. It changes the state, whose event is nil if there
// is no such row.
func (o *Outbox) Compose(ctx context.Context, s *webhook.State, row *webhook.Row, id string, now int64) error {
	which := " FROM Webhooks WHERE n = ?1"
	if row.Type == webhook.RecordsChanged {
		which = " FROM Webhooks WHERE n >= ?1 AND type = 'records.changed'"
	}
	results, err := o.db.Batch(ctx, []abi.Statement{
		{SQL: `UPDATE WebhookState SET event = (SELECT json_object('id', ?2, 'type', type, 'composed', CAST(?3 AS INTEGER), 'keys', json_group_array(key ORDER BY n),
			'mark', CAST(CASE key WHEN '*' THEN merged ELSE ` + o.mark(row.Type) + ` END AS TEXT))` + which + ` GROUP BY type) WHERE event IS NULL RETURNING event`, Args: []any{row.N, id, now}},
		{SQL: `DELETE` + which + ` AND EXISTS (SELECT 1 FROM WebhookState WHERE event ->> 'id' = ?2)`, Args: []any{row.N, id}},
	})
	if err == nil && len(results[0].Rows) > 0 {
		var e *webhook.Event
		if e, err = eventOf(store.Text(results[0], 0)); e != nil {
			s.Composed(e)
		}
	}
	if err != nil {
		return fmt.Errorf("compose an event: %w", err)
	}
	return nil
}

// Put stores the state after an attempt to send the event with that id, and deletes the event if the
// state has none. It does nothing if the outbox has another event, or none: the object may have been
// erased meanwhile.
func (o *Outbox) Put(ctx context.Context, s *webhook.State, id string) error {
	state, err := jsonvalue.Marshal(s)
	if err == nil {
		sql := `UPDATE WebhookState SET state = ?1`
		if s.Event == nil {
			sql += `, event = NULL`
		}
		_, err = o.db.Batch(ctx, []abi.Statement{{SQL: sql + ` WHERE event ->> 'id' = ?2`, Args: []any{abi.Text(state), id}}})
	}
	if err != nil {
		return fmt.Errorf("store the state of the outbox: %w", err)
	}
	return nil
}

// Hurry lets the next attempt to send an event be at once. Another instance may compose or send one at
// the same time.
func (o *Outbox) Hurry(ctx context.Context) error {
	_, err := o.db.Batch(ctx, []abi.Statement{{SQL: `UPDATE WebhookState SET state = json_remove(state, '$.next') WHERE event IS NOT NULL`}})
	if err != nil {
		return fmt.Errorf("hurry the outbox: %w", err)
	}
	return nil
}

// Count returns how many rows wait.
func (o *Outbox) Count(ctx context.Context) (rows int, err error) {
	results, err := o.db.Batch(ctx, []abi.Statement{{SQL: `SELECT count(*) FROM Webhooks`}})
	if err != nil {
		return 0, fmt.Errorf("count the outbox: %w", err)
	}
	return int(store.Number(results[0], 0)), nil
}

// Merge makes one row of the oldest ones of a type if more wait than may. It returns how many they
// were, and of which type. W4.
func (o *Outbox) Merge(ctx context.Context) (t webhook.Type, rows int, err error) {
	results, err := o.db.Batch(ctx, []abi.Statement{
		{SQL: `SELECT type, count(*) FROM Webhooks WHERE key <> ?1 GROUP BY type ORDER BY type`, Args: []any{webhook.Any}},
	})
	if err != nil {
		return "", 0, fmt.Errorf("count the outbox: %w", err)
	}
	counts := make([]webhook.Count, len(results[0].Rows))
	for i, row := range results[0].Rows {
		counts[i] = webhook.Count{Type: webhook.Type(store.CellString(row[0])), Rows: int(store.Integer(row[1]))}
	}
	if t, rows = webhook.Merge(counts); rows == 0 {
		return "", 0, nil
	}
	const oldest = `(SELECT n FROM Webhooks WHERE type = ?1 AND key <> ?2 ORDER BY n LIMIT ?3)`
	args := []any{string(t), webhook.Any, rows}
	// The row of the oldest becomes that of all, or they are added to the one that there is.
	_, err = o.db.Batch(ctx, []abi.Statement{
		{SQL: `INSERT OR IGNORE INTO Webhooks (n, type, key) SELECT -min(n) - 1, ?1, ?2 FROM ` + oldest + ` HAVING count(*) > 0`, Args: args},
		{SQL: `UPDATE Webhooks SET merged = merged + (SELECT count(*) FROM ` + oldest + `) WHERE type = ?1 AND key = ?2`, Args: args},
		{SQL: `DELETE FROM Webhooks WHERE n IN (SELECT n FROM ` + oldest + `)`, Args: args},
		{SQL: `UPDATE Webhooks SET n = -n - 1 WHERE type = ?1 AND key = ?2 AND n < 0`, Args: args[:2]},
	})
	if err != nil {
		return "", 0, fmt.Errorf("merge the outbox: %w", err)
	}
	return t, rows, nil
}

// An Entry of the list of all outboxes.
type Entry struct{ Space, Room string }

// A List knows which outboxes have sent an event, and whether the receiver is gone. It is in D1.
type List struct{ db store.DB }

// NewList returns the list in db.
func NewList(db store.DB) *List { return &List{db} }

// Put notes an outbox.
func (l *List) Put(ctx context.Context, e Entry, failing bool) error {
	n := 0
	if failing {
		n = 1
	}
	_, err := l.db.Batch(ctx, []abi.Statement{{
		SQL:  `INSERT INTO WebhookObjects (Space, Room, failing) VALUES (?1, ?2, ?3) ON CONFLICT (Space, Room) DO UPDATE SET failing = excluded.failing`,
		Args: []any{e.Space, e.Room, n},
	}})
	if err != nil {
		return fmt.Errorf("list the outbox: %w", err)
	}
	return nil
}

// Failing returns of how many outboxes the receiver did not take the last event.
func (l *List) Failing(ctx context.Context) (int, error) {
	results, err := l.db.Batch(ctx, []abi.Statement{{SQL: `SELECT count(*) FROM WebhookObjects WHERE failing = 1`}})
	if err != nil {
		return 0, fmt.Errorf("count the outboxes that fail: %w", err)
	}
	return int(store.Number(results[0], 0)), nil
}

// Gone reports whether the receiver returned 410 in a start of the server.
func (l *List) Gone(ctx context.Context, start string) (bool, error) {
	results, err := l.db.Batch(ctx, []abi.Statement{{SQL: `SELECT 1 FROM WebhookGone WHERE start = ?1`, Args: []any{start}}})
	if err != nil {
		return false, fmt.Errorf("read whether the receiver is gone: %w", err)
	}
	return len(results[0].Rows) > 0, nil
}

// PutGone notes that the receiver returned 410 in a start of the server, or, if start is "", that it is asked again.
func (l *List) PutGone(ctx context.Context, start string) error {
	s := abi.Statement{SQL: `DELETE FROM WebhookGone`}
	if start != "" {
		s = abi.Statement{SQL: `INSERT OR REPLACE INTO WebhookGone (n, start) VALUES (1, ?1)`, Args: []any{start}}
	}
	if _, err := l.db.Batch(ctx, []abi.Statement{s}); err != nil {
		return fmt.Errorf("store whether the receiver is gone: %w", err)
	}
	return nil
}

// Page returns outboxes after one, in order, at most limit, of which the receiver took the last
// event, or of which it did not.
func (l *List) Page(ctx context.Context, failing bool, after Entry, limit int) ([]Entry, error) {
	n := 0
	if failing {
		n = 1
	}
	results, err := l.db.Batch(ctx, []abi.Statement{{
		SQL:  `SELECT Space, Room FROM WebhookObjects WHERE failing = ?1 AND (Space, Room) > (?2, ?3) ORDER BY Space, Room LIMIT ` + strconv.Itoa(limit),
		Args: []any{n, after.Space, after.Room},
	}})
	if err != nil {
		return nil, fmt.Errorf("read the list of outboxes: %w", err)
	}
	var entries []Entry
	for _, row := range results[0].Rows {
		entries = append(entries, Entry{store.CellString(row[0]), store.CellString(row[1])})
	}
	return entries, nil
}
