//go:build !js

package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows says what a folder's packages may import of ours, the deepest folder
// that matches a package first. A folder stands for what is below it too, unless a
// dot follows it.
var arrows = map[string][]string{
	"shared":                 {"shared"},
	"shared/abi":             {"shared/jsonvalue", "shared/ijson"},
	"shared/lib0":            {},
	"shared/tables":          {"shared/record", "shared/pattern", "shared/tables"}, // not of the guest: it reads TOML
	"shared/pattern":         {},
	"shared/signature":       {"shared/abi"}, // not of the guest: it computes with public keys
	"shared/pattern/re2":     {"shared/pattern"},
	"shared/yjs":             {"shared/lib0"},
	"shared/awareness":       {"shared/lib0"},
	"shared/yproto":          {"shared/lib0", "shared/yjs", "shared/awareness"},
	"worker":                 {"shared", "worker"},
	"worker/store":           {"shared"},
	"worker/store/grants":    {"shared", "worker/store."},
	"worker/store/records":   {"shared", "worker/store.", "worker/store/grants", "worker/store/records/inspect"},
	"worker/store/projects":  {"shared", "worker/store."},
	"worker/store/documents": {"shared", "worker/store."},
	"worker/store/tickets":   {"shared", "worker/store."},
	"worker/store/spaces":    {"shared", "worker/store.", "worker/store/tables"},
	"worker/store/transfer":  {"shared", "worker/store."},
	"worker/store/tables":    {"shared", "worker/store."},
	"worker/api":             {"shared", "worker/store", "worker/api", "worker/webhooks"},
	"worker/api/door":        {"shared", "worker/store.", "worker/store/tickets"},
	"worker/api/records":     {"shared", "worker/store.", "worker/api/door"},
	"worker/api/projects":    {"shared", "worker/store.", "worker/store/projects", "worker/api/door"},
	"worker/api/documents":   {"shared", "worker/store.", "worker/store/documents", "worker/api/door"},
	"worker/api/spaces":      {"shared", "worker/store.", "worker/store/spaces", "worker/api/door"},
	"worker/space":           {"shared", "worker/store", "worker/api", "worker/webhooks"},
	"worker/webhooks":        {"shared", "worker/store.", "worker/store/outbox"},
	"worker/store/outbox":    {"shared", "worker/store."},
	"worker/api/webhooks":    {"shared", "worker/webhooks", "worker/store/outbox", "worker/api/door"},
	"worker/api/overview":    {"shared", "worker/store.", "worker/store/spaces", "worker/api/door"},
	"worker/api/transfer":    {"shared", "worker/store.", "worker/store/transfer", "worker/api/door"},
	"worker/api/dialect":     {"shared", "worker/store."},
	"worker/host":            {"shared", "worker/host"},
	"wasm":                   {"shared/abi", "wasm"},
	"wasm/gojs":              {"shared/abi"},
	"wasm/metrics":           {"shared/metric"},
	"wasm/edge":              {"shared/abi", "shared/metric", "shared/yproto", "shared/signature", "wasm/gojs", "wasm/metrics"},
	"wasm/wasmtest":          {"shared/abi", "wasm/gojs", "wasm/edge"},
	"wasm/cmd":               {"shared/abi", "shared/auth", "shared/record", "shared/tables", "worker/store", "wasm/gojs", "wasm/edge", "wasm/metrics"},
	"e2e":                    {"shared", "e2e"},
	"e2e/perf":               {"shared", "e2e", "wasm/gojs"}, // to run a guest that is no server
	"e2e/perf/engines":       {"shared", "wasm/edge", "worker"},
}

// testArrows adds to arrows for files whose name ends in _test.go.
var testArrows = map[string][]string{
	"shared":                 {"shared"},
	"worker":                 {"wasm", "worker", "e2e/conformance"},
	"wasm":                   {"wasm"},
	"worker/store":           {"wasm"},
	"worker/store/records":   {"wasm", "worker/api/dialect", "worker/store/spaces", "worker/store/tables"}, // rows as a client speaks to them
	"worker/store/projects":  {"wasm", "worker/store/spaces"},
	"worker/store/documents": {"wasm", "worker/store/outbox"},
	"worker/store/transfer":  {"wasm", "worker/store", "worker/api/dialect"},
}

// impure are standard packages that do I/O, read a clock or use randomness.
// fmt is not among them: it imports syscall/js under js, and formats without it.
var impure = []string{
	"os", "net", "net/http", "syscall", "syscall/js", "log", "log/slog", "io/ioutil",
	"math/rand", "math/rand/v2", "crypto/rand", "runtime", "plugin", "embed", "sync",
}

// impureTime are the members of package time that read or await a clock.
var impureTime = []string{"Now", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Since", "Until"}

func TestImportsRunOneWay(t *testing.T) {
	eachFile(t, func(name string, file *ast.File, _ *token.FileSet) {
		dir := path.Dir(name)
		allowed := lookup(arrows, dir)
		if strings.HasSuffix(name, "_test.go") {
			allowed = slices.Concat(allowed, lookup(testArrows, dir))
		}
		for _, spec := range file.Imports {
			target, ours := strings.CutPrefix(importPath(spec), "tidemark/")
			if ours && target != dir && !slices.ContainsFunc(allowed, func(a string) bool { return within(target, a) }) {
				t.Errorf("%s imports %s; %s may import %v", name, target, dir, allowed)
			}
		}
	})
}

func TestSharedIsPure(t *testing.T) {
	eachFile(t, func(name string, file *ast.File, _ *token.FileSet) {
		if !within(name, "shared") || strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, spec := range file.Imports {
			if slices.Contains(impure, importPath(spec)) {
				t.Errorf("%s imports %s", name, importPath(spec))
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", name)
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(impureTime, n.Sel.Name) {
					t.Errorf("%s uses time.%s", name, n.Sel.Name)
				}
			}
			return true
		})
	})
}

func TestWorkerRoomsStayPortable(t *testing.T) {
	eachFile(t, func(name string, file *ast.File, _ *token.FileSet) {
		if !within(name, "worker/store") && !within(name, "worker/api") {
			return
		}
		for _, spec := range file.Imports {
			if importPath(spec) == "syscall/js" {
				t.Errorf("%s imports syscall/js", name)
			}
		}
	})
}

// tooLarge are packages that the guest has no room for: Cloudflare's free plan takes 3 MiB,
// compressed.
var tooLarge = []string{
	"log", "log/slog", "mime", "net", "net/http", "net/textproto", "crypto/tls", "crypto/ecdsa", "crypto/ed25519", "crypto/elliptic", "crypto/rsa", "crypto/x509", "encoding/json",
	"regexp", "regexp/syntax", "tidemark/shared/pattern/re2", "tidemark/shared/signature", "tidemark/shared/tables",
}

func TestTheGuestLeavesOutWhatIsTooLarge(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./worker")
	list.Dir, list.Env = "..", append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 20 {
		t.Errorf("found only %d packages", len(lines))
	}
	for _, line := range lines {
		packages := strings.Fields(line)
		for _, imported := range packages[1:] {
			if slices.Contains(tooLarge, imported) {
				t.Errorf("%s imports %s", packages[0], imported)
			}
		}
	}
}

// eachFile parses every Go file of the repository.
func eachFile(t *testing.T, f func(name string, file *ast.File, fset *token.FileSet)) {
	t.Helper()
	files := 0
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "build" || (len(d.Name()) > 1 && d.Name()[0] == '.')):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, source, parser.ParseComments)
		if err != nil {
			return err
		}
		files++
		f(name, file, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("found only %d files", files)
	}
}

// lookup returns the entry of dir, or of the nearest folder above it.
func lookup(m map[string][]string, dir string) []string {
	for ; dir != "."; dir = path.Dir(dir) {
		if v, ok := m[dir]; ok {
			return v
		}
	}
	return nil
}

func within(name, dir string) bool {
	dir, alone := strings.CutSuffix(dir, ".")
	return name == dir || !alone && strings.HasPrefix(name, dir+"/")
}

func importPath(spec *ast.ImportSpec) string {
	p, _ := strconv.Unquote(spec.Path.Value)
	return p
}
