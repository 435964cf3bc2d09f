package space

import (
	"context"
	"time"

	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	"tidemark/worker/store/transfer"
)

// errImporting refuses requests while a space has only a part of an import.
var errImporting = door.Fail(door.ServiceUnavailable, "The space is being imported: ask again in 5 s").With("Retry-After", "5")

// An importStore imports into the space. Until the last page is written, the space serves
// nothing else.
type importStore struct {
	*transfer.Store
	space *Space
}

// Import writes a page. A room of a document that the page brings may have been opened
// before: it is erased, so that it begins with what was imported.
func (i *importStore) Import(ctx context.Context, now time.Time, page []byte) (transfer.Imported, error) {
	done, err := i.Store.Import(ctx, now, page)
	if err != nil {
		return done, err
	}
	erase := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpErase})
	for _, room := range done.Rooms {
		if err := i.space.call(ctx, i.space.door.Document(room), erase); err != nil {
			return done, err
		}
	}
	i.space.door.Closed = errImporting
	if done.Next == "" {
		i.space.door.Closed = nil
	}
	return done, nil
}
