package yroom

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// A fake is an object's storage in memory, filled by Writes.
type fake struct {
	meta     Meta
	rows     []Row
	parts    map[int64][][]byte
	presence map[uint64]Presence
	gone     Gone
	reads    int // of the snapshot or the log

	rowsWritten int // of the log
}

func (f *fake) Snapshot(gen int64, size int) ([]byte, error) {
	f.reads++
	b := bytes.Join(f.parts[gen], nil)
	if len(b) != size {
		return nil, fmt.Errorf("snapshot %d has %d bytes, not %d", gen, len(b), size)
	}
	return b, nil
}

func (f *fake) Log(after int64) ([]Row, error) {
	f.reads++
	i := slices.IndexFunc(f.rows, func(r Row) bool { return r.N > after })
	if i < 0 {
		return nil, nil
	}
	rows := slices.Clone(f.rows[i:])
	for i := range rows {
		rows[i].Bytes = bytes.Clone(rows[i].Bytes)
	}
	return rows, nil
}

func (f *fake) Gone() ([]byte, error) { return f.gone.Clients, nil }

func (f *fake) write(w Write) {
	if w.Row != nil {
		f.writeRow(*w.Row)
	}
	if w.Part != nil {
		if f.parts == nil {
			f.parts = map[int64][][]byte{}
		}
		if len(f.parts[w.Part.Gen]) != w.Part.N {
			panic(fmt.Sprintf("part %d of %d", w.Part.N, w.Part.Gen))
		}
		f.parts[w.Part.Gen] = append(f.parts[w.Part.Gen], bytes.Clone(w.Part.Bytes))
	}
	if w.Meta != nil {
		f.meta = *w.Meta
	}
	if w.Sweep {
		f.rows = slices.DeleteFunc(f.rows, func(r Row) bool { return r.N <= f.meta.Compacted })
		for gen := range f.parts {
			if gen != f.meta.Gen {
				delete(f.parts, gen)
			}
		}
	}
	if w.Keep != nil {
		if f.presence == nil {
			f.presence = map[uint64]Presence{}
		}
		kept := *w.Keep
		kept.State = bytes.Clone(kept.State)
		f.presence[kept.Client] = kept
	}
	if w.Gone != nil {
		f.gone = *w.Gone
		f.gone.Clients = bytes.Clone(w.Gone.Clients)
	}
	for _, client := range w.Forget {
		delete(f.presence, client)
	}
}

func (f *fake) writeRow(row Row) {
	f.rowsWritten++
	if last := f.lastRow(); row.Extends {
		if last.N != row.N || last.Pieces != 1 || last.Updates == 0 {
			panic(fmt.Sprintf("row %d cannot be extended: the last is %+v", row.N, last))
		}
		last.Bytes = slices.Concat(last.Bytes, row.Bytes)
		last.Updates += row.Updates
		last.Due = row.Due
		return
	}
	if row.N < f.lastRow().next() || row.N <= f.meta.Compacted {
		panic(fmt.Sprintf("row %d is there already", row.N))
	}
	row.Bytes = bytes.Clone(row.Bytes)
	f.rows = append(f.rows, row)
}

// lastRow returns the last row of the log; an empty one if there is none.
func (f *fake) lastRow() *Row {
	if len(f.rows) == 0 {
		return &Row{}
	}
	return &f.rows[len(f.rows)-1]
}

// next returns the number that follows those of the row.
func (row *Row) next() int64 { return row.N + int64(max(row.Updates, 1)) }

func (f *fake) stored() Stored {
	s := Stored{Meta: f.meta, Gone: f.gone.Until}
	for _, row := range f.rows {
		s.Last, s.LogUpdates, s.LogBytes = row.next()-1, s.LogUpdates+max(row.Updates, 1), s.LogBytes+len(row.Bytes)
	}
	last := f.lastRow()
	if s.Due = last.Due; last.Updates > 0 {
		s.Tail = Tail{last.N, len(last.Bytes)}
	}
	for _, p := range f.presence {
		s.Presence = append(s.Presence, p)
	}
	slices.SortFunc(s.Presence, func(a, b Presence) int { return int(a.Client) - int(b.Client) })
	return s
}

// due returns the time of the stored maintenance; 0: never.
func (f *fake) due() int64 {
	if s := f.stored(); s.Last <= s.Meta.Last {
		return s.Meta.Due
	}
	return f.lastRow().Due
}

// state returns the stored document, as a room made anew would show it.
func (f *fake) state() ([]byte, error) {
	stored := f.stored()
	stored.Meta.MergeUntil = mergeForEver // so it shows what is stored, and not what integration makes of it
	r := New(DefaultConfig, f, stored, nil, time.Time{})
	d, err := r.read()
	if err != nil {
		return nil, err
	}
	return d.diff(nil)
}
