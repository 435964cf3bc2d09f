package approuter

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/shared/record"
)

const path = "../src/app-router.ts"

var rewrite = flag.Bool("rewrite", false, "write app-router.ts anew")

func TestDeclarationIsThatOfTheSchema(t *testing.T) {
	got := Declaration(record.Default())
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(got), string(file)); d != "" {
		t.Errorf("app-router.ts is not what the tables say; run with -rewrite\n%s", d)
	}
}
