package tables

import (
	"go/format"
	"os"
	"strings"
	"testing"

	"tidemark/shared/record"
)

func TestTheConstantHoldsTheDeclaration(t *testing.T) {
	for _, text := range []string{
		"version = 1\n[a]\ncolumns.b = { type = 'string' }\n",
		"version = 2\nlocal = ['x']\n[a]\nread = 'b = sub'\ncolumns.b = { type = 'string', pattern = '`*\\{\"name\"|\\n``' }\n",
	} {
		s := parsed(t, text)
		source := Constant(s)
		got, err := Built(source)
		if err != nil || string(got.Encode()) != string(s.Encode()) {
			t.Errorf("%s\nbecame %s: %v", source, got.Encode(), err)
		}
		if formatted, err := format.Source(source); err != nil || string(formatted) != string(source) {
			t.Errorf("it is not as gofmt writes it: %s, %v", formatted, err)
		}
	}
	for source, want := range map[string]string{
		"package record": "it has no constant declared",
		"package":        "expected 'IDENT'",
		"package record\nconst declared = 1 + f()":   "invalid syntax",
		"package record\nconst declared = \"{\"":     "unexpected end",
		"package record\nconst declared = \"a\" + f": "is no string",
	} {
		if _, err := Built([]byte(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", source, err, want)
		}
	}
}

func TestTheGuestHasTheDeclaredTables(t *testing.T) {
	text, err := os.ReadFile("../../tables.toml")
	if err != nil {
		t.Fatal(err)
	}
	built := record.Default()
	if want := parsed(t, string(text)); string(built.Encode()) != string(want.Encode()) {
		t.Errorf("the guest has %s, and tables.toml says %s: run tidemark tables migrate", built.Encode(), want.Encode())
	}
}
