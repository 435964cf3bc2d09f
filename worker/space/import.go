package space

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
	storage "tidemark/worker/store"
	store "tidemark/worker/store/spaces"
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
// before: it is erased, so that it begins with what is imported. Meanwhile the space is
// closed, so that nobody opens the room again.
func (i *importStore) Import(ctx context.Context, now time.Time, text []byte, b storage.Budget) (done transfer.Imported, err error) {
	s := i.space
	page, err := i.Store.Read(ctx, text)
	if err != nil {
		return done, err
	}
	if err := s.beginPage(ctx, !page.Written); err != nil {
		return done, err
	}
	if page.Written {
		return page.Answer, nil
	}
	defer s.endPage()
	if err := s.full(ctx); err != nil {
		return done, err
	}
	if page.IsFirst() {
		if err := s.endEdits(ctx); err != nil {
			return done, err
		}
	}
	if err := i.Store.Check(ctx, page, b); err != nil {
		return done, err
	}
	erase := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpErase, At: s.shutNow(), Data: []byte("the document was replaced by an import")})
	for _, room := range page.Rooms {
		if err := s.call(ctx, s.door.Document(room), erase); err != nil {
			return done, fmt.Errorf("erase the room of a document before its import: %w", err)
		}
	}
	err = s.change(ctx, func(state *store.State) (err error) {
		if state.Deleting {
			return errDeleting
		}
		if done, err = i.Store.Write(ctx, now, page); err != nil {
			return err
		}
		if announcement := slices.Concat(s.Records.Announcement(), s.Projects.Announcement()); announcement != nil {
			if _, err = s.db.Batch(ctx, announcement); err != nil {
				return err
			}
		}
		s.importing = false
		*state, err = s.db.State(ctx)
		return err
	})
	return done, err
}

// endEdits closes the sockets of a space that has no document, so that no page of the import
// replaces what they write. It refuses the import if they, or a request, were faster.
func (s *Space) endEdits(ctx context.Context) error {
	if err := s.wantNoDocument(ctx); err != nil {
		return err
	}
	closing := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpClose, At: s.shutNow(), Data: []byte("the space is being imported: connect again")})
	err := s.each(ctx, s.db.Rooms, func(name string) error { return s.call(ctx, s.door.Document(name), closing) })
	switch {
	case err != nil:
		return fmt.Errorf("close the documents of a space before its import: %w", err)
	case s.calling > 0:
		return errImporting
	}
	return s.wantNoDocument(ctx)
}

// wantNoDocument returns *transfer.NotEmptyError if the room of a document has one that is
// not copied yet: the import must not replace it.
func (s *Space) wantNoDocument(ctx context.Context) error {
	show := yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpState, ETag: "*"})
	return s.each(ctx, s.db.Rooms, func(name string) error {
		p := s.door.Document(name)
		text, err := s.Calls.Call(ctx, p.Binding, p.Room, show)
		if err != nil {
			return fmt.Errorf("ask a room for its document: %w", err)
		}
		reply, err := yroom.DecodeReply(text)
		if err == nil && (reply.Status == yroom.StatusOK || reply.Status == yroom.StatusUnchanged) {
			err = &transfer.NotEmptyError{Has: fmt.Sprintf("the document %q", name)}
		}
		return err
	})
}

// beginPage closes the space for a page that is to be written. It refuses a page while
// another one is being written, or the space is being deleted.
func (s *Space) beginPage(ctx context.Context, writes bool) error {
	return s.change(ctx, func(state *store.State) error {
		switch {
		case state.Deleting:
			return errDeleting
		case s.importing:
			return errImporting
		}
		s.importing = writes
		return nil
	})
}

// endPage has the next request open the space anew if the page was not written.
func (s *Space) endPage() {
	if s.importing {
		s.importing, s.opened = false, false
	}
}
