//go:build !js

package supply

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write THIRD_PARTY.md anew")

const root = "../.."

func TestThirdPartyListsEveryModuleAndPackage(t *testing.T) {
	var host []Part
	for _, system := range []string{"linux", "darwin", "windows"} { // those of a release
		parts, err := goModules(root, "./wasm/cmd/tidemark", "GOOS="+system, "GOARCH=amd64")
		if err != nil {
			t.Fatal(err)
		}
		host = append(host, parts...)
	}
	slices.SortFunc(host, func(a, b Part) int { return strings.Compare(a.Name, b.Name) })
	host = slices.Compact(host)
	guest, err := goModules(root, "./worker", "GOOS=js", "GOARCH=wasm")
	if err != nil {
		t.Fatal(err)
	}
	web, err := npmPackages(filepath.Join(root, "web/package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Third parties\n\nWhat Tidemark ships that others wrote. `go test ./e2e/supply -rewrite` writes this file,\n" +
		"and the same test fails when it is stale or when a licence is not one that asks for\nno more than a notice.\n")
	for _, list := range []struct {
		title, says string
		parts       []Part
	}{
		{"The guest", "Linked into `build/tidemark.wasm`, beside Go's standard library (BSD-3-Clause), whose `wasm_exec.js` runs with it.", guest},
		{"The self-hosted server", "Linked into `tidemark`, on one system or another, beside Go's standard library (BSD-3-Clause). A release has the guest and the demo inside.", host},
		{"The demo and the console", "What the build of `web/dist` chooses from; it takes the parts that are used.", web},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| | version | licence |\n|---|---|---|\n", list.title, list.says)
		if len(list.parts) == 0 {
			t.Errorf("%s: no parts", list.title)
		}
		for _, p := range list.parts {
			if !slices.Contains(allowed, p.Licence) {
				t.Errorf("%s %s has the licence %q", p.Name, p.Version, p.Licence)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", p.Name, p.Version, p.Licence)
		}
	}
	file := filepath.Join(root, "THIRD_PARTY.md")
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != b.String() {
		t.Errorf("THIRD_PARTY.md is stale (%v): go test ./e2e/supply -rewrite", err)
	}
}

var exact = regexp.MustCompile(`^(npm:.+@)?\d+\.\d+\.\d+[\w.+-]*$`)

// A peer range is the client kit's promise to apps, and no version that is installed.
func TestEveryNpmVersionIsPinned(t *testing.T) {
	for _, dir := range []string{"web", "web/client", "e2e", "e2e/perf/rooms/peers", "e2e/contract", "e2e/react-native/hermes", "examples/react-native", "examples/tiptap"} {
		text, err := os.ReadFile(filepath.Join(root, dir, "package.json"))
		if err != nil {
			t.Fatal(err)
		}
		var p struct{ Dependencies, DevDependencies, OptionalDependencies map[string]string }
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, all := range []map[string]string{p.Dependencies, p.DevDependencies, p.OptionalDependencies} {
			for name, version := range all {
				if !exact.MatchString(version) {
					t.Errorf("%s: %s is %q, no exact version", dir, name, version)
				}
			}
		}
	}
	for _, dir := range []string{"web", "e2e", "e2e/perf/rooms/peers", "e2e/contract", "e2e/react-native/hermes", "examples/react-native", "examples/tiptap"} {
		l, err := readLock(filepath.Join(root, dir, "package-lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		for path, p := range l.Packages {
			if strings.HasPrefix(path, installed) && !p.Link && (p.Integrity == "" || p.Version == "" || p.Resolved != "") {
				t.Errorf("%s: %s has version %q, integrity %q and resolved %q", dir, path, p.Version, p.Integrity, p.Resolved)
			}
		}
	}
}

func TestALicenceIsKnownByItsText(t *testing.T) {
	for text, want := range map[string]string{
		"MIT\n\nPermission is hereby granted, free of charge,\nto any person obtaining a copy": "MIT",
		"Neither the name may be used\nto endorse or promote products derived from":            "BSD-3-Clause",
		"You may do what I say": "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "LICENSE.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := licenceIn(dir); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := licenceIn(t.TempDir()); err == nil {
		t.Error("a folder without a licence has one")
	}
}
