package yjs

// Mentions reports whether update has structs or deletions of a client c with is(c), or
// refers to such a client. Validate must accept update.
func Mentions(update []byte, is func(client uint64) bool) (bool, error) {
	u, err := newUpdateReader(update, 1)
	if err != nil {
		return false, err
	}
	var s wireStruct
	for {
		ok, err := u.next(&s)
		if err != nil {
			return false, err
		}
		if !ok {
			break
		}
		if is(s.client) || s.info&flagOrigin != 0 && is(s.origin.Client) || s.info&flagRightOrigin != 0 && is(s.rightOrigin.Client) {
			return true, nil
		}
		item := s.ref() != refGC && s.ref() != refSkip
		if item && s.info&(flagOrigin|flagRightOrigin) == 0 && !s.parentIsRoot && is(s.parent.Client) {
			return true, nil
		}
	}
	for {
		r, ok, err := u.nextDelete()
		if err != nil || !ok {
			return false, err
		}
		if is(r.Client) {
			return true, nil
		}
	}
}
