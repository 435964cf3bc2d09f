//go:build !js

package shared_test

import (
	"strings"
	"testing"

	"tidemark/shared/tables"
)

// TestTheDeclarationsOfDocumentsHaveNoMistake reads each declaration that a document shows whole.
func TestTheDeclarationsOfDocumentsHaveNoMistake(t *testing.T) {
	checked := 0
	for name, text := range documents(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			// The guide shows what is added to a file, and e2e/docs runs it.
			if block[1] != "toml" || !strings.HasPrefix(block[2], "version =") || name == "docs/guide-first-table.md" {
				continue
			}
			checked++
			if _, err := tables.Parse([]byte(block[2])); err != nil {
				t.Errorf("%s: %v\n%s", name, err, block[2])
			}
		}
	}
	if checked == 0 {
		t.Error("found no declaration")
	}
}
