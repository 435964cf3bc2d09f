package transfer

import (
	"context"
	"encoding/base64"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/worker/store"
)

// Why a line with a piece of a state is refused.
const (
	complete      = "the document or version is complete before this line"
	documentParts = "parts of the document are missing before this line"
	versionParts  = "parts of the version are missing before this line, or they do not have that many bytes"
)

// An owner is what a state belongs to: the copy of a document of that time, or a version of
// a document.
type owner struct {
	room      string
	updatedAt int64  // of a copy
	version   string // the id; "": it is a copy
}

// A whole is a state in several pieces, the main one of which is in the page.
type whole struct {
	owner
	line int
	size int64  // the number of the other parts of a copy; the bytes of a version
	main []byte // the main part, as JSON
}

// states are the states of a page, while its lines are decoded.
type states struct {
	check  func(state []byte) error   // nil: all are good
	line   int                        // the number of the line that is decoded
	parts  map[owner]map[int64][]byte // as JSON, which aliases the page
	ended  map[owner]bool             // those whose main part is in the page
	wholes []whole                    // to be checked when all pieces are there
}

func newStates(check func(state []byte) error) states {
	return states{check: check, parts: map[owner]map[int64][]byte{}, ended: map[owner]bool{}}
}

// addPart notes a part that is not the main one.
func (s *states) addPart(l *line, o owner, n int64, json []byte) {
	if s.isLate(l, o) {
		return
	}
	if s.parts[o] == nil {
		s.parts[o] = map[int64][]byte{}
	}
	s.parts[o][n] = json
}

// addMain notes a main part, and checks it if it is the whole state.
func (s *states) addMain(l *line, w whole, alone bool, state []byte) {
	if s.isLate(l, w.owner) {
		return
	}
	s.ended[w.owner] = true
	switch {
	case s.check == nil:
	case alone:
		l.err = s.verify(&w, state)
	default:
		w.line = s.line
		s.wholes = append(s.wholes, w)
	}
}

// isLate fails a line that comes after the main part, and says whether the line failed.
func (s *states) isLate(l *line, o owner) bool {
	if s.ended[o] {
		l.fail(complete)
	}
	return l.err != nil
}

// verify returns an error if no room could read the state. A room opens an empty copy.
func (s *states) verify(w *whole, state []byte) error {
	if w.version == "" && len(state) == 0 {
		return nil
	}
	return s.check(state)
}

// checkTimes is how much memory a state takes that is checked: itself, and what the
// database sends of it.
const checkTimes = 2

// Check is the part of Import that follows Read, for a page that is not written. It checks
// the states that the page completes, one after the other.
func (s *Store) Check(ctx context.Context, p *Page, b store.Budget) error {
	for i := range p.states.wholes {
		if err := s.checkWhole(ctx, p, &p.states.wholes[i], b); err != nil {
			return err
		}
	}
	return b.Reserve(ctx, 0)
}

func (s *Store) checkWhole(ctx context.Context, p *Page, w *whole, b store.Budget) error {
	table, id := "YjsRoomParts WHERE RoomId = ?1 AND version = CAST(?2 AS INTEGER)", any(w.updatedAt)
	missing := &LineError{w.line, documentParts}
	if w.version != "" {
		table, id = "YjsVersionParts WHERE RoomId = ?1 AND VersionId = ?2", w.version
		missing = &LineError{w.line, versionParts}
	}
	results, err := s.db.Batch(ctx, []abi.Statement{{SQL: "SELECT ifnull(sum(octet_length(YjsState)), 0) AS octets FROM " + table, Args: []any{w.room, id}}})
	if err != nil {
		return fmt.Errorf("measure a document that is imported: %w", err)
	}
	octets := int(store.Number(results[0], 0)) + len(w.main)
	for _, json := range p.states.parts[w.owner] {
		octets += len(json)
	}
	size := base64.StdEncoding.DecodedLen(octets)
	if err := b.Reserve(ctx, checkTimes*size); err != nil {
		return fmt.Errorf("check a document that is imported: %w", err)
	}
	state, err := appendPiece(make([]byte, 0, size), w.main)
	for n := int64(1); err == nil && w.lacks(n, len(state)); n++ {
		if json, here := p.states.parts[w.owner][n]; here {
			state, err = appendPiece(state, json)
			continue
		}
		results, err = s.db.Batch(ctx, []abi.Statement{{SQL: "SELECT YjsState FROM " + table + " AND part = CAST(?3 AS INTEGER)", Args: []any{w.room, id, n}}})
		if err == nil && len(results[0].Rows) == 0 {
			return missing
		}
		if err == nil {
			state, err = store.AppendBase64(state, store.Text(results[0], 0))
		}
	}
	if err != nil {
		return fmt.Errorf("read a document that is imported: %w", err)
	}
	if err := p.states.verify(w, state); err != nil {
		return &LineError{w.line, err.Error()}
	}
	return nil
}

// lacks says whether part n follows what has so many bytes.
func (w *whole) lacks(n int64, bytes int) bool {
	if w.version != "" {
		return int64(bytes) < w.size
	}
	return n <= w.size
}

// appendPiece appends the bytes of a piece, which is a string of JSON.
func appendPiece(state, json []byte) ([]byte, error) {
	text, err := ijson.Text(json)
	if err != nil {
		return nil, err
	}
	return store.AppendBase64(state, []byte(text))
}
