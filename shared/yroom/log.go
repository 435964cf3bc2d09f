package yroom

import (
	"fmt"
	"time"

	"tidemark/shared/lib0"
)

// A log holds the updates since the snapshot. Each written row costs, so the room adds short
// updates to the last row: see Row.
type log struct {
	updates int // each piece counts
	bytes   int
	tail    Tail
	row     *Row // the last row that this event writes
}

// A Tail is the last row of the log, if it holds updates behind their lengths.
type Tail struct {
	N     int64 // 0: there is none
	Bytes int
}

// append adds an update to the log. The updates of one event share a row, as far as they fit.
func (r *Room) append(update []byte, now time.Time) {
	chunk, first := r.config.ChunkBytes, r.last+1
	pieces := (len(update) + chunk - 1) / chunk
	r.last += int64(pieces)
	r.log.updates += pieces
	if row := r.log.row; pieces == 1 && row != nil && row.Pieces == 1 && len(row.Bytes)+len(update)+2*maxLength <= chunk {
		r.log.bytes -= len(row.Bytes)
		row.add(update)
		r.log.bytes += len(row.Bytes)
	} else {
		r.log.close(r.meta.Due)
		for i := range pieces {
			piece := update[i*chunk : min(len(update), (i+1)*chunk)]
			r.writeRow(Row{N: first + int64(i), First: first, Pieces: pieces, Bytes: piece})
		}
	}
	r.edited(now)
}

// maxLength is the greatest number of bytes of the length of an update in a row.
const maxLength = 4

// writeRow writes a row, or adds it to the tail.
func (r *Room) writeRow(row Row) {
	if row.Pieces == 1 && len(row.Bytes)+maxLength <= r.config.TailBytes {
		row.frame()
		if tail := r.log.tail; tail.N != 0 && tail.Bytes+len(row.Bytes) <= r.config.TailBytes {
			row.N, row.Extends = tail.N, true
		}
	}
	r.log.row = &row
	r.log.bytes += len(row.Bytes)
	r.write(Write{Row: &row})
}

// close completes the row that this event writes, and returns false if there is none.
func (l *log) close(due int64) bool {
	row := l.row
	if row == nil {
		return false
	}
	row.Due = due
	switch {
	case row.Extends:
		l.tail.Bytes += len(row.Bytes)
	case row.Updates > 0:
		l.tail = Tail{row.N, len(row.Bytes)}
	default:
		l.tail = Tail{}
	}
	l.row = nil
	return true
}

// frame puts the update of a row behind its length.
func (row *Row) frame() {
	if row.Updates == 0 {
		row.Bytes, row.Updates = lib0.AppendBytes(nil, row.Bytes), 1
	}
}

// add adds an update.
func (row *Row) add(update []byte) {
	row.frame()
	row.Bytes = lib0.AppendBytes(row.Bytes, update)
	row.Updates++
}

// updatesIn returns the updates of rows. It joins pieces, and drops those of an update that is
// incomplete.
func updatesIn(rows []Row) (updates [][]byte, err error) {
	for len(rows) > 0 {
		row, n := rows[0], 1
		for n < len(rows) && rows[n].First == row.First {
			n++
		}
		switch {
		case n != row.Pieces:
		case row.Updates == 0:
			updates = append(updates, joinPieces(rows[:n]))
		default:
			for b := lib0.NewReader(row.Bytes); b.Len() > 0; {
				update, err := b.Bytes()
				if err != nil {
					return nil, fmt.Errorf("row %d: %w", row.N, err)
				}
				updates = append(updates, update)
			}
		}
		rows = rows[n:]
	}
	return updates, nil
}

func joinPieces(rows []Row) []byte {
	if len(rows) == 1 {
		return rows[0].Bytes
	}
	var update []byte
	for _, row := range rows {
		update = append(update, row.Bytes...)
	}
	return update
}
