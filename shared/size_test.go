//go:build !js

package shared_test

import (
	"go/ast"
	"go/token"
	"path"
	"strings"
	"testing"
)

const (
	maxFileLines    = 600
	maxFuncLines    = 60
	maxPackageFiles = 15 // of a package of worker, without tests
)

// longDirective begins the line of a function's doc comment that says why the
// function is longer than maxFuncLines. The reason follows on the same line.
const longDirective = "//layout:long "

func TestFilesAndFunctionsAreShort(t *testing.T) {
	eachFile(t, func(name string, file *ast.File, fset *token.FileSet) {
		lines := func(n ast.Node) int { return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1 }
		if n := fset.File(file.Pos()).LineCount(); n > maxFileLines {
			t.Errorf("%s has %d lines; at most %d", name, n, maxFileLines)
		}
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n, reason := lines(f), longReason(f)
			switch {
			case n > maxFuncLines && reason == "":
				t.Errorf("%s: %s has %d lines; at most %d, or a line %q with the reason in its comment", name, f.Name.Name, n, maxFuncLines, longDirective)
			case n <= maxFuncLines && reason != "":
				t.Errorf("%s: %s has %d lines and needs no %q", name, f.Name.Name, n, longDirective)
			}
		}
	})
}

func longReason(f *ast.FuncDecl) string {
	if f.Doc == nil {
		return ""
	}
	for _, comment := range f.Doc.List {
		if reason, ok := strings.CutPrefix(comment.Text, longDirective); ok {
			return strings.TrimSpace(reason)
		}
	}
	return ""
}

func TestPackagesOfWorkerAreSmall(t *testing.T) {
	files := map[string]int{}
	eachFile(t, func(name string, _ *ast.File, _ *token.FileSet) {
		if within(name, "worker") && !strings.HasSuffix(name, "_test.go") {
			files[path.Dir(name)]++
		}
	})
	for dir, n := range files {
		if n > maxPackageFiles {
			t.Errorf("%s has %d files outside tests; at most %d", dir, n, maxPackageFiles)
		}
	}
}
