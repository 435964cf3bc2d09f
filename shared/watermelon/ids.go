package watermelon

import "hash/maphash"

// idSet is a set of ids, each of at most maxIDBytes. A map of strings would allocate for each id, and
// take twice as long in WebAssembly.
type idSet struct {
	seed  maphash.Seed
	count int
	// An entry is, from its highest bits, 32 bits of the id's hash and where its text begins. An id is at the place that the
	// hash names, or behind it with no free place between. 0 is a free place.
	entries []uint64
	texts   []byte // each behind its length
}

// reset forgets all ids.
func (s *idSet) reset() {
	if s.count == 0 && s.entries != nil {
		return
	}
	*s = idSet{seed: maphash.MakeSeed(), entries: make([]uint64, 16), texts: make([]byte, 1, 64)}
}

// add adds an id, and says whether it is new.
func (s *idSet) add(id []byte) bool {
	return s.insert(id, maphash.Bytes(s.seed, id)>>32)
}

// insert is add of an id with that hash of 32 bits.
func (s *idSet) insert(id []byte, hash uint64) bool {
	if 2*s.count >= len(s.entries) {
		s.grow()
	}
	place := s.place(hash)
	for ; s.entries[place] != 0; place = s.next(place) {
		entry := s.entries[place]
		if entry>>32 != hash {
			continue
		}
		text := s.texts[uint32(entry):]
		if string(text[1:1+int(text[0])]) == string(id) {
			return false
		}
	}
	s.entries[place] = hash<<32 | uint64(len(s.texts))
	s.texts = append(append(s.texts, byte(len(id))), id...)
	s.count++
	return true
}

func (s *idSet) place(hash uint64) int { return int(hash) & (len(s.entries) - 1) }
func (s *idSet) next(place int) int    { return (place + 1) & (len(s.entries) - 1) }

func (s *idSet) grow() {
	old := s.entries
	s.entries = make([]uint64, 2*len(old))
	for _, entry := range old {
		if entry == 0 {
			continue
		}
		place := s.place(entry >> 32)
		for s.entries[place] != 0 {
			place = s.next(place)
		}
		s.entries[place] = entry
	}
}
