package store

import (
	"encoding/base64"
	"fmt"
)

// AppendBase64 appends the bytes of the Base64 of a document's state. It takes the
// standard and the URL alphabet, with padding or without.
func AppendBase64(dst, encoded []byte) ([]byte, error) {
	end := len(encoded)
	for end > 0 && (encoded[end-1] == '=' || encoded[end-1] == '\n') {
		end--
	}
	encoding := base64.RawStdEncoding
	for _, c := range encoded[:end] {
		if c == '-' || c == '_' {
			encoding = base64.RawURLEncoding
			break
		}
	}
	dst, err := encoding.AppendDecode(dst, encoded[:end])
	if err != nil {
		return nil, fmt.Errorf("YjsState is not Base64: %w", err)
	}
	return dst, nil
}
