package yroom

import (
	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// An author writes updates as a yjs client would: text at the end of a root of
// its own, a key of its own in a shared map, and deletions of anything.
type author struct {
	id, clock uint64
	typed     bool
	last      uint64 // clock of the last unit typed
	set       bool
	lastSet   uint64
}

const (
	refString = 4
	refAny    = 8
)

// update frames one struct, or none.
func (a *author) update(structs int, body []byte, deletes ...yjs.ClockRange) []byte {
	var b []byte
	if structs == 0 {
		b = lib0.AppendUint(b, 0)
	} else {
		b = lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(b, 1), 1), a.id), a.clock)
		b = append(b, body...)
	}
	b = lib0.AppendUint(b, uint64(len(deletes)))
	for _, d := range deletes {
		b = lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(b, d.Client), 1), d.From), d.To-d.From)
	}
	return b
}

// typing appends text, of ASCII.
func (a *author) typing(text string) []byte {
	var body []byte
	if a.typed {
		body = lib0.AppendUint(lib0.AppendUint([]byte{0x80 | refString}, a.id), a.last)
	} else {
		body = lib0.AppendString([]byte{refString, 1}, "text "+string(rune('a'+a.id%26)))
	}
	u := a.update(1, lib0.AppendString(body, text))
	a.clock += uint64(len(text))
	a.typed, a.last = true, a.clock-1
	return u
}

// setting overwrites the author's key, and so deletes its former value.
func (a *author) setting(v uint64) []byte {
	var body []byte
	if a.set {
		body = lib0.AppendUint(lib0.AppendUint([]byte{0x80 | 0x20 | refAny}, a.id), a.lastSet)
	} else {
		body = lib0.AppendString(lib0.AppendString([]byte{0x20 | refAny, 1}, "map"), string(rune('a'+a.id%26)))
	}
	body = lib0.AppendInt(append(lib0.AppendUint(body, 1), 125), int64(v))
	var deletes []yjs.ClockRange
	if a.set {
		deletes = []yjs.ClockRange{{Client: a.id, From: a.lastSet, To: a.lastSet + 1}}
	}
	u := a.update(1, body, deletes...)
	a.lastSet, a.set = a.clock, true
	a.clock++
	return u
}

func (a *author) deleting(r yjs.ClockRange) []byte { return a.update(0, nil, r) }
