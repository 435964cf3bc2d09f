//go:build !js

package shared_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tidemark/shared/project"
)

// TestTheProtocolHasTheRulesOfProjects checks the tables of docs/protocol.md about
// projects: every field, every code of a refusal, and the least role of each action.
func TestTheProtocolHasTheRulesOfProjects(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "docs/protocol.md"), "\n## Projects\n")
	section, _, _ = strings.Cut(section, "\n## ")
	collection := ""
	fields := map[string]bool{}
	codes := map[string]bool{}
	name := regexp.MustCompile("`(\\w+)`")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		first := name.FindStringSubmatch(cells[1])
		switch {
		case first == nil:
		case project.Find(project.Name(first[1])) != nil:
			collection = first[1]
		default:
			codes[first[1]] = true
		}
		for _, field := range name.FindAllStringSubmatch(cells[2], -1) {
			fields[collection+"."+field[1]] = true
		}
	}
	for _, c := range project.Collections {
		for _, f := range c.Fields {
			if !fields[string(c.Name)+"."+f.Name] {
				t.Errorf("docs/protocol.md lacks the field %s of %s", f.Name, c.Name)
			}
		}
	}
	refusals := regexp.MustCompile(`(?m)^\s+\w+\s+Code\s+= "(\w+)"`).FindAllStringSubmatch(read(t, "shared/project/refusal.go"), -1)
	for _, code := range refusals {
		if project.Code(code[1]) != project.Exists && !codes[code[1]] {
			t.Errorf("docs/protocol.md lacks the code %s", code[1])
		}
	}
	if len(refusals) < 10 {
		t.Errorf("found only %d codes", len(refusals))
	}
	for _, action := range project.Actions {
		if row := fmt.Sprintf("| %s | %s |", action, action.Needs()); !strings.Contains(section, row) {
			t.Errorf("docs/protocol.md lacks the row %q", row)
		}
	}
}
