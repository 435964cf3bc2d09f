//go:build !js

package supply

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	bracket = regexp.MustCompile(`(?s)\((` + "`" + `[^()]*)\)`)
	cited   = regexp.MustCompile("`([\\w./-]+\\.(?:go|mjs))`|`((?:Test|Fuzz)\\w+)`|\"([^\"]+)\"")
)

// TestSecurityNamesTestsThatExist reads each bracket of SECURITY.md that begins
// with a file: files, and after each the tests in it that show the claim.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, found := range bracket.FindAllStringSubmatch(string(text), -1) {
		source := ""
		for _, c := range cited.FindAllStringSubmatch(found[1], -1) {
			if file := c[1]; file != "" {
				b, err := os.ReadFile(filepath.Join(root, file))
				if err != nil {
					t.Error(err)
				}
				source = string(b)
				continue
			}
			if source == "" {
				continue // a bracket that names no file
			}
			want := space.ReplaceAllString(c[3], " ")
			if c[2] != "" {
				want = "func " + c[2] + "("
			}
			if !strings.Contains(source, want) {
				t.Errorf("SECURITY.md names a test that is not in its file: %s%s", c[2], c[3])
			}
			named++
		}
	}
	if named == 0 {
		t.Error("SECURITY.md names no test")
	}
}
