package typescript

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/tables"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func TestTheFilesSayWhatTheDeclarationSays(t *testing.T) {
	every, err := os.ReadFile("testdata/every.toml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := tables.Parse(every)
	if err != nil {
		t.Fatal(err)
	}
	router, _, _ := strings.Cut(string(AppRouter(&s)), "\nexport type TableName")
	for name, got := range map[string]string{"schema.ts": string(Schema(&s)), "rows.ts": router} {
		path := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s\n%s", name, d)
		}
	}
}

func TestTheFirstVersionHasNoMigrations(t *testing.T) {
	s, err := tables.Parse([]byte("version = 1\n[a]\ncolumns.b = { type = 'string' }\n"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(Schema(&s))
	if !strings.Contains(text, "  migrations: [],\n") || !strings.Contains(text, "import { schemaMigrations } from") {
		t.Error(text)
	}
}
