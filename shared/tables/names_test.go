package tables

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What our SQL names must not be the name of a table of an app: tables, indexes, and results
// within a statement.
func TestNoTableHasANameOfOurOwnSQL(t *testing.T) {
	const store = "../../worker/store/"
	made := regexp.MustCompile(`(?i)\bCREATE (?:UNIQUE )?(?:TABLE|INDEX) (?:IF NOT EXISTS )?(\w+)`)
	within := regexp.MustCompile(`\b(\w+)(?:\([\w, ]*\))? AS (?:MATERIALIZED )?\(`)
	found := map[string]bool{}
	for glob, expression := range map[string]*regexp.Regexp{
		"migrations/*.sql": made, "spaces/layout.go": made,
		"records/*.go": within, "transfer/*.go": within, "tables/*.go": within,
	} {
		files, err := filepath.Glob(store + glob)
		if err != nil || len(files) == 0 {
			t.Fatal(glob, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_declared.sql") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range expression.FindAllStringSubmatch(string(text), -1) {
				found[strings.ToLower(m[1])] = true
			}
		}
	}
	for name := range found {
		ofTheSeed := strings.HasPrefix(name, "customers") || strings.HasPrefix(name, "products")
		if !ofTheSeed && !slices.Contains(ownTables, name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	if len(found) < 50 {
		t.Errorf("found only %d names", len(found))
	}
}

func TestTheNearestWordIsTheOneThatWasMeant(t *testing.T) {
	for word, want := range map[string]string{
		"typ": "type", "Type": "type", "optinal": "optional", "optional_": "optional", "mx": "max", "mix": "min", "x": "", "length": "", "": "", "enums": "enum",
		strings.Repeat("a", 100): "",
	} {
		if got := nearest(word, columnKeys); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
