//go:build !js

package door_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tidemark/shared/watermelon"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
)

const top = "../../../" // of the repository

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(top + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func find(name string) *door.Variable {
	for i := range door.Variables {
		if door.Variables[i].Name == name {
			return &door.Variables[i]
		}
	}
	return nil
}

// wantDefault holds a default that stands elsewhere against the declaration.
func wantDefault(t *testing.T, where, name, value string) {
	t.Helper()
	v := find(name)
	switch {
	case v == nil:
		t.Errorf("%s: %s is not declared", where, name)
	case !v.IsText() && value != strconv.Itoa(v.Default):
		t.Errorf("%s: %s has the default %s, declared is %d", where, name, value, v.Default)
	}
}

// evaluate returns the value of a constant expression of Go or JavaScript.
func evaluate(t *testing.T, expression string) string {
	t.Helper()
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return constant.ToInt(v.Value).ExactString()
}

func TestEveryVariableIsDeclaredOnceAndWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range door.Variables {
		if seen[v.Name] || v.For == "" {
			t.Errorf("%s stands twice, or nothing says what it is for", v.Name)
		}
		seen[v.Name] = true
		if !v.IsText() && (v.Unit == "" || v.Default < v.Least || v.Default > v.Most) {
			t.Errorf("%s: %q, default %d, %d to %d", v.Name, v.Unit, v.Default, v.Least, v.Most)
		}
	}
}

func TestDeclaredDefaultsAreThoseOfTheRules(t *testing.T) {
	s, err := door.ReadSettings(func(name string) string {
		return map[string]string{"AUTH_SECRET": strings.Repeat("s", 32)}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := watermelon.DefaultLimits(); s.Sync != want {
		t.Errorf("got %+v, want %+v", s.Sync, want)
	}
	got, want := s.Documents, yroom.DefaultConfig
	if got.DocumentBytes != want.DocumentBytes || got.MessageBytes != want.MessageBytes || got.Messages != want.Messages ||
		got.BytesPerSecond != want.BytesPerSecond || got.CopyDelay != want.CopyDelay ||
		got.PresenceStateBytes != want.PresenceStateBytes || got.PresenceBytes != want.PresenceBytes {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWranglerSetsEveryNumberToItsDefault(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "wrangler.toml"), "\n[vars]\n")
	set := map[string]bool{}
	for line := range strings.Lines(section) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			set[name] = true
			wantDefault(t, "wrangler.toml", name, strings.Trim(value, `"`))
		}
	}
	for _, v := range door.Variables {
		if !v.IsText() && !set[v.Name] {
			t.Errorf("wrangler.toml lacks %s", v.Name)
		}
	}
}

// The hosts need some numbers before the guest runs.
func TestHostsHaveTheDeclaredDefaults(t *testing.T) {
	found := 0
	constants := regexp.MustCompile(`(?m)^const (LIMIT_\w+) = ([^;]+); // variable LIMIT_`)
	for _, name := range []string{"worker/worker.mjs", "worker/guest.mjs", "worker/crowd.mjs"} {
		for _, m := range constants.FindAllStringSubmatch(read(t, name), -1) {
			wantDefault(t, name, m[1], evaluate(t, m[2]))
			found++
		}
	}
	if found != 5 {
		t.Errorf("the files of workerd have %d defaults, want 5", found)
	}
	values, uses := map[string]string{}, map[string]string{} // of constants; the constant of each variable
	files, err := filepath.Glob(top + "wasm/edge/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if len(n.Values) == 1 && strings.HasPrefix(n.Names[0].Name, "default") {
					values[n.Names[0].Name] = types.ExprString(n.Values[0])
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "number" {
					variable, _ := strconv.Unquote(types.ExprString(n.Args[1]))
					uses[variable] = types.ExprString(n.Args[2])
				}
			}
			return true
		})
	}
	if len(uses) != 6 {
		t.Errorf("the self-hosted server reads %d variables, want 6", len(uses))
	}
	for name, constant := range uses {
		wantDefault(t, "wasm/edge", name, evaluate(t, values[constant]))
	}
}

// The documentation has one table of all variables: its rows begin with the names,
// and go on with the defaults.
func TestTheDocumentationHasEveryVariableWithItsDefault(t *testing.T) {
	files, err := filepath.Glob(top + "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]int{}
	for _, name := range append(files, top+"README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(line, "|") // the first is before the row
			if len(cells) < 4 {
				continue
			}
			names := strings.Split(strings.TrimSpace(cells[1]), ", ")
			if find(strings.Trim(names[0], "`")) == nil {
				continue
			}
			defaults := strings.Split(strings.TrimSpace(cells[2]), ", ")
			for i, name := range names {
				name = strings.Trim(name, "`")
				documented[name]++
				wantDefault(t, "the documentation", name, defaults[min(i, len(defaults)-1)])
			}
		}
	}
	for _, v := range door.Variables {
		if documented[v.Name] != 1 {
			t.Errorf("%s stands in %d rows of the documentation, want 1", v.Name, documented[v.Name])
		}
	}
}
