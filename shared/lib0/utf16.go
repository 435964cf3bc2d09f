package lib0

// UTF16Len is the length in UTF-16 units of b, which must be valid UTF-8:
// four-byte runes count two.
func UTF16Len(b []byte) int {
	n := 0
	for _, c := range b {
		if c < 0x80 || c >= 0xc0 {
			n++
			if c >= 0xf0 {
				n++
			}
		}
	}
	return n
}
