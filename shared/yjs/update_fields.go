package yjs

// The fields in which V1 and V2 differ: in V1 every field is in the stream, in the order
// of the reads; in V2 most are in columns.

func (u *updateReader) readInfo() (byte, error) {
	if u.v2 != nil {
		return u.v2.info.next()
	}
	return u.rest.Byte()
}

func (u *updateReader) readClient() (uint64, error) {
	if u.v2 != nil {
		return u.v2.client.next()
	}
	return u.rest.Uint()
}

// readLeftID reads an origin or the parent of s.
func (u *updateReader) readLeftID(s *wireStruct) (id ID, err error) {
	if id.Client, err = u.readClient(); err != nil {
		return id, err
	}
	if u.v2 != nil {
		id.Clock, err = u.v2.leftClock.next()
	} else {
		id.Clock, err = u.rest.Uint()
	}
	if err != nil {
		return id, err
	}
	return id, u.checkID(s, id)
}

// readRightID reads the right origin of s.
func (u *updateReader) readRightID(s *wireStruct) (id ID, err error) {
	if u.v2 == nil {
		return u.readLeftID(s)
	}
	if id.Client, err = u.v2.client.next(); err != nil {
		return id, err
	}
	if id.Clock, err = u.v2.rightClock.next(); err != nil {
		return id, err
	}
	return id, u.checkID(s, id)
}

// checkID checks a reference of s. On a reference to a later struct of the same client,
// yjs throws half-way through a transaction.
func (u *updateReader) checkID(s *wireStruct, id ID) error {
	if id.Clock > maxClock {
		return u.rest.Fail("clock above 2^31-1")
	}
	if id.Client == s.client && id.Clock >= s.clock {
		return u.rest.Fail("struct refers to itself or to a later one of its client")
	}
	return nil
}

func (u *updateReader) readParentIsRoot() (bool, error) {
	if u.v2 != nil {
		v, err := u.v2.parentInfo.next()
		return v == 1, err
	}
	v, err := u.rest.Uint()
	return v == 1, err
}

func (u *updateReader) readString() ([]byte, error) {
	if u.v2 != nil {
		return u.v2.strings.next()
	}
	return u.rest.String()
}

func (u *updateReader) readKey() ([]byte, error) {
	if u.v2 != nil {
		return u.v2.key()
	}
	return u.rest.String()
}

func (u *updateReader) readTypeRef() (uint64, error) {
	if u.v2 != nil {
		return u.v2.typeRef.next()
	}
	return u.rest.Uint()
}

func (u *updateReader) readLength() (uint64, error) {
	if u.v2 != nil {
		return u.v2.length.next()
	}
	return u.rest.Uint()
}
