package projects

import (
	"context"
	"fmt"
	"time"

	"tidemark/shared/abi"
)

// Restore must be called once after the database was restored to an earlier point.
// The sequence of each project continues above every number that it can have had,
// and a reader that pulled before now gets project.SinceAhead.
func (p *Store) Restore(ctx context.Context, now time.Time) error {
	_, err := p.db.Batch(ctx, []abi.Statement{{
		SQL:  `UPDATE ProjectSequences SET seq = max(seq + 1, CAST(?1 AS INTEGER)), floor = max(seq + 1, CAST(?1 AS INTEGER))`,
		Args: []any{now.UnixMilli()},
	}})
	if err != nil {
		return fmt.Errorf("restore the projects: %w", err)
	}
	return nil
}
