//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// An instance of the default memory returns JSON and text of every document that it can
// integrate, also where JSON is longer than the document. docs/protocol.md, Y9.
func TestALargeDocumentIsShownInEveryForm(t *testing.T) {
	log := &journal{}
	s, _ := startLogged(t, log)
	c := watched{caller{t, s, bearer(t)}, log}
	line := strings.Repeat("a line\n", 285_714) // JSON has one byte more for each
	for client := range uint64(5) {
		c.wants("POST", "/yjs/large", typed(client+1, line), http.StatusNoContent)
	}
	for range 2 {
		for _, format := range []string{"json", "tree"} {
			got := c.wants("GET", "/yjs/large?format="+format, nil, http.StatusOK)
			if want := 5 * len(line) * 8 / 7; len(got) < want || len(got) > want+1000 {
				t.Errorf("%s has %d bytes, want about %d", format, len(got), want)
			}
		}
		for client := 1; client <= 5; client++ {
			if got := c.wants("GET", fmt.Sprintf("/yjs/large?format=text&name=root+%d", client), nil, http.StatusOK); len(got) != len(line) {
				t.Errorf("the text of root %d has %d bytes, want %d", client, len(got), len(line))
			}
		}
	}
	c.wants("GET", "/yjs/large?format=text&name=other", nil, http.StatusNotFound)
	c.lives("what was shown")
}
