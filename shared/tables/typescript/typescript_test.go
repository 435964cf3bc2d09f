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

// every is a declaration with everything that the files say in another way.
const every = `version = 4
[order_lines]
sql = "OrderLines"
[order_lines.columns]
title = { type = "string", min = 1, max = 200 }
weight = { type = "number", optional = true, min = -1.5 }
done = { type = "boolean", default = false, since = 2 }
status = { type = "string", enum = ["lead", "*/ active"], default = "lead", since = 4 }
[visits]
since = 2
read = "owner_id = sub or scope crm:admin"
write = "owner_id = sub"
[visits.columns]
owner_id = { type = "string", pattern = '"?[a-z]+' }
rating = { type = "number", default = 1, since = 4 }
`

func TestTheFilesSayWhatTheDeclarationSays(t *testing.T) {
	s, err := tables.Parse([]byte(every))
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
