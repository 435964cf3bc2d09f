package space

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tidemark/shared/delta"
	"tidemark/shared/inspect"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/worker/api/dialect"
	"tidemark/worker/api/door"
	"tidemark/worker/store"
	"tidemark/worker/store/documents"
	"tidemark/worker/store/projects"
)

// full returns a failure if the space holds as much as it may. S12.
func (s *Space) full(ctx context.Context) (err error) {
	entered := s.inEvent(ctx, func() {
		if s.fill() >= s.Bytes {
			err = door.Fail(door.PayloadTooLarge, fmt.Sprintf(
				"The space holds LIMIT_SPACE_BYTES, %d bytes: it takes deletions until it holds less", s.Bytes))
		}
	})
	if entered != nil {
		return entered
	}
	return err
}

// A rowStore keeps the rows of the space.
type rowStore struct {
	*dialect.Watermelon
	space *Space
}

// Push writes rows, and tells the subscribers in the same event of the object. S1.
func (r *rowStore) Push(ctx context.Context, now time.Time, caller record.Caller, input []byte) (answer []byte, _ []syncroom.Change, err error) {
	var changed []syncroom.Change
	entered := r.space.db.InEvent(ctx, func() {
		if answer, changed, err = r.Watermelon.Push(ctx, now, caller, input); len(changed) > 0 {
			r.space.object.Publish(changed)
		}
	})
	if entered != nil {
		err = entered
	}
	return answer, nil, err
}

// Change changes one row, and tells the subscribers in the same event, as Push does. In an event nothing waits: so it has
// the memory before.
func (r *rowStore) Change(ctx context.Context, now time.Time, change *inspect.Change, b store.Budget) (answer []byte, stamp record.Stamp, _ []syncroom.Change, err error) {
	if err := b.Reserve(ctx, 2*record.MaxRowBytes); err != nil {
		return nil, 0, nil, err
	}
	var changed []syncroom.Change
	entered := r.space.db.InEvent(ctx, func() {
		if answer, stamp, changed, err = r.Watermelon.Change(ctx, now, change, store.Budget{}); len(changed) > 0 {
			r.space.object.Publish(changed)
		}
	})
	if entered != nil {
		err = entered
	}
	return answer, stamp, nil, err
}

// A recordLimit rejects rows while the space is full. It lets deletions pass.
type recordLimit struct {
	dialect.Records
	space *Space
}

func (l *recordLimit) Write(ctx context.Context, now time.Time, batch *record.Batch) (record.Outcome, error) {
	if err := l.check(ctx, batch); err != nil {
		return record.Outcome{}, err
	}
	return l.Records.Write(ctx, now, batch)
}

// Purge also notes that the space may have room again.
func (l *recordLimit) Purge(ctx context.Context, now time.Time, keep time.Duration) (record.Purged, error) {
	purged, err := l.Records.Purge(ctx, now, keep)
	if err == nil && l.space.told > 0 {
		err = l.space.inEvent(ctx, func() { l.space.fill() })
	}
	return purged, err
}

func (l *recordLimit) WriteAsServer(ctx context.Context, now time.Time, batch *record.Batch) (record.Outcome, error) {
	if err := l.check(ctx, batch); err != nil {
		return record.Outcome{}, err
	}
	return l.Records.WriteAsServer(ctx, now, batch)
}

// check returns a failure if the batch has rows and the space is full.
func (l *recordLimit) check(ctx context.Context, batch *record.Batch) error {
	if slices.ContainsFunc(batch.Tables, func(t record.TableBatch) bool { return t.RowCount > 0 }) {
		return l.space.full(ctx)
	}
	return nil
}

// A projectLimit is recordLimit for projects.
type projectLimit struct {
	*projects.Store
	space *Space
}

func (l *projectLimit) CreateProject(ctx context.Context, caller string, row project.Row, membershipID string) (projects.Written, error) {
	if err := l.space.full(ctx); err != nil {
		return projects.Written{}, err
	}
	return l.Store.CreateProject(ctx, caller, row, membershipID)
}

func (l *projectLimit) Create(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error) {
	if err := l.space.full(ctx); err != nil {
		return projects.Written{}, err
	}
	return l.Store.Create(ctx, key, name, row)
}

func (l *projectLimit) Patch(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error) {
	if err := l.space.full(ctx); err != nil {
		return projects.Written{}, err
	}
	return l.Store.Patch(ctx, key, name, row)
}

func (l *projectLimit) Upload(ctx context.Context, now time.Time, key projects.Key, in *delta.Upload) (projects.Uploaded, error) {
	if len(in.Created)+len(in.Updated) > 0 {
		if err := l.space.full(ctx); err != nil {
			return projects.Uploaded{}, err
		}
	}
	return l.Store.Upload(ctx, now, key, in)
}

// A versionLimit is recordLimit for versions of documents.
type versionLimit struct {
	*documents.Copies
	space *Space
}

func (l *versionLimit) PutVersion(ctx context.Context, room string, v documents.Version, state []byte) error {
	if err := l.space.full(ctx); err != nil {
		return err
	}
	return l.Copies.PutVersion(ctx, room, v, state)
}
