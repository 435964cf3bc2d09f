package abi

// The headers by which a request is found again in logs. The host sets the first in the head of
// each Request, and lets the second through only if it is valid.
const (
	RequestIDHeader   = "X-Request-Id"
	TraceparentHeader = "Traceparent"
)

// maxRequestID is the length of an id of a request in bytes.
const maxRequestID = 128

// ValidRequestID says whether the host takes a caller's id of a request: 1 to 128 letters,
// digits and characters of . _ ~ : + / = @ -
func ValidRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == '~', c == ':', c == '+', c == '/', c == '=', c == '@', c == '-':
		default:
			return false
		}
	}
	return true
}

// traceparentLength is that of version 00.
const traceparentLength = 2 + 1 + 32 + 1 + 16 + 1 + 2

// ValidTraceparent says whether a header traceparent is valid: version, trace, parent and flags.
// A later version may have more behind a dash. W3C Trace Context, 3.2.
func ValidTraceparent(v string) bool {
	if len(v) < traceparentLength || len(v) > maxRequestID || v[:2] == "ff" {
		return false
	}
	if len(v) > traceparentLength && (v[:2] == "00" || v[traceparentLength] != '-' || !ValidRequestID(v)) {
		return false
	}
	for i := range traceparentLength {
		c := v[i]
		if dash := i == 2 || i == 35 || i == 52; dash != (c == '-') || !dash && !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return !zeros(v[3:35]) && !zeros(v[36:52])
}

func zeros(digits string) bool {
	for i := range len(digits) {
		if digits[i] != '0' {
			return false
		}
	}
	return true
}
