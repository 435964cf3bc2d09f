package web

import "slices"

// A Header is the fields of a request's or a response's head, in their order: a name and a value.
// Names are compared without regard to case. The zero value has no field.
type Header [][2]string

// Get returns the first value of a name, or "".
func (h Header) Get(name string) string {
	for _, field := range h {
		if sameName(field[0], name) {
			return field[1]
		}
	}
	return ""
}

// Values returns all values of a name.
func (h Header) Values(name string) (values []string) {
	for _, field := range h {
		if sameName(field[0], name) {
			values = append(values, field[1])
		}
	}
	return values
}

// Add appends a value of a name.
func (h *Header) Add(name, value string) { *h = append(*h, [2]string{name, value}) }

// Set makes value the only one of a name.
func (h *Header) Set(name, value string) {
	for i := range *h {
		if sameName((*h)[i][0], name) {
			(*h)[i][1] = value
			rest := Header((*h)[i+1:])
			rest.Del(name)
			*h = (*h)[:i+1+len(rest)]
			return
		}
	}
	h.Add(name, value)
}

// Del removes all values of a name.
func (h *Header) Del(name string) {
	*h = slices.DeleteFunc(*h, func(field [2]string) bool { return sameName(field[0], name) })
}

// sameName compares names by their ASCII letters. RFC 9110, 5.1.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
