package projects

import (
	"context"
	"fmt"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/webhook"
	"tidemark/worker/store"
)

// raisedAtOnce bounds the sequences that one transaction of a restore raises.
const raisedAtOnce = 5_000

// Restore must be called once after the database was restored to an earlier point.
// The sequence of each project continues above every number that it can have had,
// and a reader that pulled before now gets project.SinceAhead. Restore goes through
// the projects in transactions of a few thousand. After an error it must be called
// again: it begins with the first project, and to raise a sequence twice is harmless.
func (p *Store) Restore(ctx context.Context, now time.Time) error {
	const some = `(SELECT project_id FROM ProjectSequences WHERE project_id > ?1 ORDER BY project_id LIMIT ?2)`
	after := abi.Text{}
	for {
		results, err := p.db.Batch(ctx, []abi.Statement{
			{SQL: `SELECT max(project_id) FROM ` + some, Args: []any{after, raisedAtOnce}},
			{SQL: `UPDATE ProjectSequences SET seq = max(seq + 1, CAST(?3 AS INTEGER)), floor = max(seq + 1, CAST(?3 AS INTEGER))
				WHERE project_id IN ` + some, Args: []any{after, raisedAtOnce, now.UnixMilli()}},
		})
		if err != nil {
			return fmt.Errorf("restore the projects after %q: %w", after, err)
		}
		if after = store.Text(results[0], 0); after == nil {
			return p.announceAll(ctx)
		}
	}
}

// announceAll notes in the outbox that every project may have changed.
func (p *Store) announceAll(ctx context.Context) error {
	batch := p.Announcement()
	if batch == nil {
		return nil
	}
	if _, err := p.db.Batch(ctx, batch); err != nil {
		return fmt.Errorf("announce the restore of the projects: %w", err)
	}
	return nil
}

// Announcement returns the statements that note in the outbox that every project may have
// changed; none if there is no receiver.
func (s *Statements) Announcement() []abi.Statement {
	if !s.announces {
		return nil
	}
	return []abi.Statement{store.Announce("SELECT "+projectChanged+", ?1 WHERE EXISTS (SELECT 1 FROM ProjectSequences)", webhook.Any)}
}
