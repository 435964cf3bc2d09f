package conformance

import (
	"encoding/base64"
	"encoding/json"
	"testing"
)

// forge changes the text inside a cursor. That text is opaque to a client: the cases use
// forge to imitate a server that was restored.
func forge(t *testing.T, cursor string, change func(string) string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(change(string(text))))
}

// setMark replaces the mark, which is the fourth element.
func setMark(text string, mark int) string {
	var list []any
	json.Unmarshal([]byte(text), &list)
	list[3] = mark
	b, _ := json.Marshal(list)
	return string(b)
}
