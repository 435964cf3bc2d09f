//go:build !js

package shared_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// documents returns the repository's Markdown files by their path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	eachText(t, func(name, text string) { found[name] = text }, ".md")
	if len(found) < 10 {
		t.Fatalf("found only %d documents", len(found))
	}
	return found
}

// eachText reads every file of the repository whose name has one of the endings.
func eachText(t *testing.T, f func(name, text string), endings ...string) {
	t.Helper()
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "build" || d.Name() == "dist" || (len(d.Name()) > 1 && d.Name()[0] == '.')):
			return fs.SkipDir
		case d.IsDir() || !slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(name, ending) }):
			return nil
		}
		b, err := fs.ReadFile(root, name)
		f(name, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	fence   = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// TestLinksOfDocumentsLead checks each link between documents: the file exists, and
// so does the heading.
func TestLinksOfDocumentsLead(t *testing.T) {
	docs := documents(t)
	links := 0
	for name, text := range docs {
		for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			file, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			links++
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := fs.Stat(os.DirFS(".."), target); err != nil {
				t.Errorf("%s: the link %s leads to no file", name, found[1])
			} else if anchor != "" && !slices.Contains(anchors(docs[target]), anchor) {
				t.Errorf("%s: the link %s leads to no heading", name, found[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("found only %d links", links)
	}
}

// anchors are the anchors of a document's headings, as GitHub makes them.
func anchors(text string) (list []string) {
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		list = append(list, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[1]))
	}
	return list
}

// TestShellBlocksOfDocumentsNameWhatExists checks each command of a shell block: make's
// targets, the server's subcommands and flags, and the files that node runs.
func TestShellBlocksOfDocumentsNameWhatExists(t *testing.T) {
	makefile := read(t, "Makefile")
	var command string
	eachText(t, func(name, text string) {
		if strings.HasPrefix(name, "wasm/cmd/tidemark/") && !strings.HasSuffix(name, "_test.go") {
			command += text
		}
	}, ".go")
	checked := 0
	for name, text := range documents(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			// The blocks of docs/auth.md are variables, and those of the other guide a session. Tests run both.
			if block[1] != "sh" || name == "docs/auth.md" || name == "docs/guide-first-table.md" {
				continue
			}
			for line := range strings.Lines(block[2]) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
				if err := knownCommand(strings.Fields(line), makefile, command); err != nil {
					t.Errorf("%s: %q: %v", name, line, err)
				}
				checked++
			}
		}
	}
	if checked < 10 {
		t.Errorf("checked only %d commands", checked)
	}
}

// toolsOfOthers are commands whose arguments are not ours to check.
var toolsOfOthers = []string{"npx wrangler ", "npm ", "curl ", "docker ", "sudo "}

func knownCommand(words []string, makefile, command string) error {
	for len(words) > 0 && strings.Contains(words[0], "=") { // variables of the environment
		words = words[1:]
	}
	line := strings.Join(words, " ")
	switch {
	case line == "" || slices.ContainsFunc(toolsOfOthers, func(tool string) bool { return strings.HasPrefix(line, tool) }):
		return nil
	case words[0] == "make":
		for _, target := range words[1:] {
			if !strings.HasPrefix(target, "e2e/node_modules/") && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(target)+`:`).MatchString(makefile) {
				return fmt.Errorf("there is no target %s", target)
			}
		}
		return nil
	case words[0] == "node" && len(words) > 1:
		_, err := fs.Stat(os.DirFS(".."), words[1])
		return err
	case strings.HasPrefix(line, "./tidemark "):
		words = append([]string{"go", "run"}, words...)
		fallthrough
	case strings.HasPrefix(line, "go run ./wasm/cmd/tidemark "):
		if !strings.Contains(command, fmt.Sprintf("case %q", words[3])) && !strings.Contains(command, fmt.Sprintf("%q:", words[3])) {
			return fmt.Errorf("there is no subcommand %s", words[3])
		}
		for _, word := range words[4:] {
			if flag, ok := strings.CutPrefix(word, "--"); ok && !strings.Contains(command, fmt.Sprintf("%q,", flag)) {
				return fmt.Errorf("there is no flag --%s", flag)
			}
		}
		return nil
	}
	return fmt.Errorf("nobody knows this command")
}

// TestJSONOfDocumentsIsJSON checks that a reader can paste what is shown as JSON.
func TestJSONOfDocumentsIsJSON(t *testing.T) {
	checked := 0
	for name, text := range documents(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			if block[1] != "json" {
				continue
			}
			if checked++; !json.Valid([]byte(block[2])) {
				t.Errorf("%s shows as JSON what is none:\n%s", name, block[2])
			}
		}
	}
	if checked == 0 {
		t.Error("found no JSON")
	}
}

var pathNamed = regexp.MustCompile("`((?:shared|worker|wasm|e2e|web|docs|examples)(?:/[\\w.-]+)+/?)`")

// TestPathsOfDocumentsExist checks the files and folders that documents name in their text.
func TestPathsOfDocumentsExist(t *testing.T) {
	checked := 0
	for name, text := range documents(t) {
		for _, found := range pathNamed.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			file := strings.TrimSuffix(found[1], "/")
			if file == "web/dist" { // make build writes it
				continue
			}
			checked++
			if _, err := fs.Stat(os.DirFS(".."), file); err != nil {
				t.Errorf("%s names %s, which does not exist", name, file)
			}
		}
	}
	if checked < 50 {
		t.Errorf("found only %d paths", checked)
	}
}

var variable = regexp.MustCompile("`((?:LIMIT|AUTH|YJS|CORS|DEV)_[A-Z_]*[A-Z])`")

// TestVariablesOfDocumentsExist checks that each variable that a document names is read
// by the server, and that docs/operate.md has each variable of wrangler.toml in its table,
// with the value that stands there.
func TestVariablesOfDocumentsExist(t *testing.T) {
	var source strings.Builder
	eachText(t, func(name, text string) {
		if !strings.HasSuffix(name, "_test.go") {
			source.WriteString(text)
		}
	}, ".go")
	for name, text := range documents(t) {
		for _, found := range variable.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(source.String(), `"`+found[1]+`"`) {
				t.Errorf("%s names the variable %s, which nothing reads", name, found[1])
			}
		}
	}
	_, vars, _ := strings.Cut(read(t, "wrangler.toml"), "\n[vars]\n")
	table := read(t, "docs/operate.md")
	for line := range strings.Lines(vars) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ` = "`)
		if !ok {
			continue
		}
		row := regexp.MustCompile("(?m)^\\|[^|]*`" + name + "`[^|]*\\|[^|]*").FindString(table)
		if value = strings.TrimSuffix(value, `"`); !strings.Contains(row, value) {
			t.Errorf("docs/operate.md does not have %s = %s in its table: %q", name, value, row)
		}
	}
}

// The rules of docs/protocol.md, where one is defined, and where one is cited.
var (
	ruleDefined = regexp.MustCompile(`\*\*([PUTYSEc]\d+)\*\*`)
	ruleCited   = regexp.MustCompile(`\b([PUTYSE]\d{1,2})(?:\b|_)`)
	conflictDoc = regexp.MustCompile(`\b(c\d)\b`)                                   // in a comment that names the document
	conflictIn  = regexp.MustCompile("[\"'`](?:[PUTY]\\d{1,2} )?(c\\d)[ _:][a-z%]") // at the beginning of a text of a test
	partsCited  = regexp.MustCompile(`\bProjects (\d(?:(?:, \d)* and \d)?)\b`)
	digit       = regexp.MustCompile(`\d`)
	elsewhere   = regexp.MustCompile(`(?i)\b(sync|projects|yjs) contract\b`)
)

// TestRulesThatAreCitedExist reads the tests, and every comment that cites
// docs/protocol.md: each rule and section that they name is there.
func TestRulesThatAreCitedExist(t *testing.T) {
	protocol := read(t, "docs/protocol.md")
	defined := map[string]bool{"P9": true} // named there as one that is not in use
	for _, rule := range ruleDefined.FindAllStringSubmatch(protocol, -1) {
		defined[rule[1]] = true
	}
	cited, conflicts := 0, 0
	eachText(t, func(name, text string) {
		test := strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".mjs") || strings.HasPrefix(name, "e2e/conformance/")
		for line := range strings.Lines(text) {
			if test && strings.ContainsAny(line, `"'`+"`/") || strings.Contains(line, "docs/protocol.md") {
				for _, rule := range ruleCited.FindAllStringSubmatch(line, -1) {
					if cited++; !defined[rule[1]] {
						t.Errorf("%s cites %s, which docs/protocol.md does not have: %s", name, rule[1], strings.TrimSpace(line))
					}
				}
			}
			conflict := conflictIn
			if strings.Contains(line, "docs/protocol.md") {
				conflict = conflictDoc
			}
			if test || conflict == conflictDoc {
				for _, rule := range conflict.FindAllStringSubmatch(line, -1) {
					if conflicts++; !defined[rule[1]] {
						t.Errorf("%s cites %s, which docs/protocol.md does not have: %s", name, rule[1], strings.TrimSpace(line))
					}
				}
			}
			if strings.Contains(line, "docs/protocol.md") {
				for _, parts := range partsCited.FindAllString(line, -1) {
					for _, part := range digit.FindAllString(parts, -1) {
						if cited++; !strings.Contains(protocol, "\n### "+part+". ") {
							t.Errorf("%s cites section %s of projects, which docs/protocol.md does not have", name, part)
						}
					}
				}
			}
			if name != "shared/docs_test.go" && elsewhere.MatchString(line) {
				t.Errorf("%s cites a contract that is not in the repository, and not docs/protocol.md: %s", name, strings.TrimSpace(line))
			}
		}
	}, ".go", ".mjs", ".ts")
	if cited < 30 {
		t.Errorf("found only %d citations", cited)
	}
	if conflicts < 8 {
		t.Errorf("found only %d citations of c1 to c3", conflicts)
	}
}

// TestEveryPackageIsOnTheMap checks that the map of docs/architecture.md has each folder
// with Go files: of e2e and web those that stand directly below them.
func TestEveryPackageIsOnTheMap(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs/architecture.md"), "\n## The map\n")
	drawn, _, _ := strings.Cut(section, "\n## ")
	checked := map[string]bool{}
	eachText(t, func(name, _ string) {
		folders := strings.Split(path.Dir(name), "/")
		if slices.Contains(folders, "testdata") {
			return
		}
		if folders[0] == "e2e" || folders[0] == "web" {
			folders = folders[:min(2, len(folders))]
		}
		folder := strings.Join(folders, "/")
		if checked[folder] {
			return
		}
		checked[folder] = true
		if last := folders[len(folders)-1]; !regexp.MustCompile(`\b` + regexp.QuoteMeta(last) + `/`).MatchString(drawn) {
			t.Errorf("the map of docs/architecture.md lacks %s", folder)
		}
	}, ".go")
	if len(checked) < 20 {
		t.Errorf("found only %d folders", len(checked))
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(path.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
