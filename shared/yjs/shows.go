package yjs

import (
	"bytes"

	"tidemark/shared/lib0"
)

// A list shows its contents, each with the formats that hold there. Clients delete formats
// that change nothing, so lists with different items may show the same.

// formats are the formats that hold at a place of a list, by their key.
type formats map[string]string

// set applies a format item. It returns the key, and the value before and after. No value
// is "null".
func (f *formats) set(content []byte) (key, before, after string) {
	r := lib0.NewReader(content)
	name, _ := r.String()
	value, _ := r.Bytes()
	if *f == nil {
		*f = formats{}
	}
	key, after = string(name), string(value)
	before, ok := (*f)[key]
	if !ok {
		before = noFormat
	}
	if after == noFormat {
		delete(*f, key)
	} else {
		(*f)[key] = after
	}
	return key, before, after
}

const noFormat = "null"

func (f formats) get(key string) string {
	if value, ok := f[key]; ok {
		return value
	}
	return noFormat
}

// showsSame reports whether runs of both documents show the same. The caller then compares
// the types in them.
//
//layout:long one walk over two lists that share their positions
func (r *restorer) showsSame(a, b []run) bool {
	d, v := r.sides[present], r.sides[earlier]
	var held, of formats
	differ := 0 // keys of formats that differ
	change := func(f *formats, other formats, content []byte) {
		key, before, after := f.set(content)
		if is := other.get(key); before == is && after != is {
			differ++
		} else if before != is && after == is {
			differ--
		}
	}
	pairs := len(r.pairs)
	var x, y []byte // the rest of the current runs
	var i, j int
	for {
		for ; len(x) == 0 && i < len(a) && d.items[a[i].item].ref == refFormat; i++ {
			change(&held, of, d.text(a[i]))
		}
		for ; len(y) == 0 && j < len(b) && v.items[b[j].item].ref == refFormat; j++ {
			change(&of, held, v.text(b[j]))
		}
		if i == len(a) || j == len(b) {
			break
		}
		ref := d.items[a[i].item].ref
		if differ > 0 || ref != v.items[b[j].item].ref {
			break
		}
		if !canJoin(ref) {
			if !r.alike(a[i], b[j]) {
				break
			}
			if ref == refType {
				r.pairs = append(r.pairs, [2]int32{d.items[a[i].item].contentType(), v.items[b[j].item].contentType()})
			}
			i, j = i+1, j+1
			continue
		}
		if len(x) == 0 {
			x = d.text(a[i])
		}
		if len(y) == 0 {
			y = v.text(b[j])
		}
		n := min(len(x), len(y))
		if !bytes.Equal(x[:n], y[:n]) {
			break
		}
		if x, y = x[n:], y[n:]; len(x) == 0 {
			i++
		}
		if len(y) == 0 {
			j++
		}
	}
	if i == len(a) && j == len(b) {
		return true
	}
	r.pairs = r.pairs[:pairs]
	return false
}

// print returns a fingerprint of the visible content of a type. Types with the same print
// most likely show the same.
func (s *side) print(t int32) uint64 {
	if s.prints == nil {
		s.prints = make([]uint64, len(s.types))
	}
	if s.prints[t] != 0 {
		return s.prints[t]
	}
	h := uint64(printStart)
	kind, was := -1, uint64(0) // content and formats before
	held := uint64(0)          // sum over the formats
	var f formats
	for _, q := range s.runs(t) {
		it := &s.items[q.item]
		if it.ref == refFormat {
			key, before, after := f.set(s.text(q))
			held -= formatPrint(key, before)
			held += formatPrint(key, after)
			continue
		}
		if kind != int(it.ref) || was != held || !canJoin(it.ref) {
			h = (h ^ uint64(it.ref) ^ held) * printPrime
			kind, was = int(it.ref), held
		}
		h = fingerprint(h, s.text(q))
		if it.ref == refType {
			h = (h ^ s.print(it.contentType())) * printPrime
		}
	}
	for n := s.types[t].firstSlot; n != none; n = s.slots[n].next {
		if value := s.value(n); value != none {
			it := &s.items[value]
			m := fingerprint(fingerprint(printStart, []byte(s.keys[s.slots[n].key])), s.bytes(it))
			if it.ref == refType {
				m = (m ^ s.print(it.contentType())) * printPrime
			}
			h += m * printPrime // in any order
		}
	}
	s.prints[t] = max(h, 1)
	return s.prints[t]
}

func formatPrint(key, value string) uint64 {
	if value == noFormat {
		return 0
	}
	return fingerprint(fingerprint(printStart, []byte(key)), []byte(value))
}

// FNV-1a.
const (
	printStart = 14695981039346656037
	printPrime = 1099511628211
)

func fingerprint(h uint64, text []byte) uint64 {
	for _, c := range text {
		h = (h ^ uint64(c)) * printPrime
	}
	return h
}
