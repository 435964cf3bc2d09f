//go:build !js

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file of serve --tables is no guest's: nothing of this repository has to be like it.
func TestTablesCheckOfAFileThatNoGuestHas(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "app.toml")
	if err := os.WriteFile(file, []byte("version = 1\n[visits]\ncolumns.rating = { type = \"number\", min = 1, max = 5 }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := runTables(append(args, "--file", file), &out)
		return out.String(), err
	}
	if out, err := run("check"); err != nil || out != "" {
		t.Errorf("tables check: %q, %v", out, err)
	}
	if out, err := run("check", "--types", dir); err == nil || !strings.Contains(out, "tables types --out "+dir+" --file "+file) {
		t.Errorf("tables check of a folder without TypeScript: %q, %v", out, err)
	}
	if _, err := run("types", "--out", dir); err != nil {
		t.Fatal(err)
	}
	if out, err := run("check", "--types", dir); err != nil || out != "" {
		t.Errorf("tables check after tables types: %q, %v", out, err)
	}
	if _, err := run("check", "--built", filepath.Join(dir, "declared.go")); err == nil {
		t.Error("tables check did not look for the file of --built")
	}
}
