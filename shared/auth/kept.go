package auth

import (
	"slices"
	"strings"

	"tidemark/shared/ijson"
)

// subjectClaim is the name by which rules ask for Identity.Subject, whatever the mapping is.
const subjectClaim = "sub"

// keep returns the claims of these paths, which are sorted, as Identity.Claims has them. It
// leaves out a claim that is neither a string nor an array. Of an array it keeps the
// strings, sorted and each once, as a token has them in any order. It leaves out a string
// with a NUL, as what SQL says of one is not defined (sqlite.org/nulinstr.html).
//
// The result is no longer than the payload of the token, which MaxTokenBytes bounds: each
// path leads to another value, and a canonical text is not longer than any other of the
// same value. FuzzVerify checks it.
func (c claims) keep(paths []string) (string, error) {
	var b []byte
	for _, path := range paths {
		raw, err := c.find(path)
		if err != nil {
			return "", err
		}
		value := keptValue(raw)
		if value == nil {
			continue
		}
		b = append(b, ',')
		b = append(ijson.AppendString(b, path), ':')
		b = append(b, value...)
	}
	if b == nil {
		return "", nil
	}
	b[0] = '{'
	return string(append(b, '}')), nil
}

// keptValue returns what keep keeps of a claim, or nil.
func keptValue(raw []byte) []byte {
	if text, err := ijson.Text(raw); err == nil {
		if strings.Contains(text, "\x00") {
			return nil
		}
		return ijson.AppendString(nil, text)
	}
	elements, ok := ijson.Elements(raw)
	if !ok {
		return nil
	}
	texts := []string{}
	for _, element := range elements {
		if text, err := ijson.Text(element); err == nil && !strings.Contains(text, "\x00") {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	b := []byte{'['}
	for i, text := range slices.Compact(texts) {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendString(b, text)
	}
	return append(b, ']')
}

// keptPaths returns the paths of Config.Kept as keep takes them.
func keptPaths(paths []string) []string {
	if len(paths) == 0 {
		return nil
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(paths)))
	return slices.DeleteFunc(sorted, func(path string) bool { return path == subjectClaim })
}
