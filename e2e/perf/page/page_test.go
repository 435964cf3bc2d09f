package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

func TestThePageIsMadeOfTheResults(t *testing.T) {
	want, err := render(root, text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs/performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("docs/performance.md:%d differs: run go run ./e2e/perf/page\ngot:  %s\nwant: %s", i+1, gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("docs/performance.md has %d lines, want %d: run go run ./e2e/perf/page", len(gotLines), len(wantLines))
}

// The program that prints a section has the same cases (../results.test.mjs).
func TestAWideRatioIsOnlyItsInterval(t *testing.T) {
	data, err := os.ReadFile("../testdata/shown.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Figure figure
		Ratio  bool
		Text   string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if got := c.Figure.show(c.Ratio); got != c.Text {
			t.Errorf("%+v, a ratio: %v: got %q, want %q", c.Figure, c.Ratio, got, c.Text)
		}
	}
}

// made has results of two sections in a folder as the repository has it.
func made(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "e2e/perf/results"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"sync": `{"date": "2026-11-30", "commit": "abc", "machine": {"cpu": "a processor", "cores": 2}, "loadBefore": 0.25, "coresOfOthers": 0, "seconds": 90, "tables": [
			{"name": "requests", "title": "T", "rows": [
				{"of": {"request": "pull", "connections": 1, "target": "peer"}, "figures": {"rps": [1000, 900, 1100, 9]}, "ratios": {}},
				{"of": {"request": "pull", "connections": 1, "target": "wazero"}, "figures": {"rps": [2000, 1900, 2100, 9]}, "ratios": {"time": [0.5, 0.49, 0.51, 9]}},
				{"of": {"request": "pull", "connections": 8, "target": "wazero"}, "figures": {"rps": [3000, 1900, 4100, 7]}, "ratios": {"time": [0.3, 0.2, 0.5, 7]}},
				{"of": {"request": "unknown", "connections": 1, "target": "peer"}, "figures": {"rps": [1000, 900, 1100, 9]}, "ratios": {}}
			]}]}`,
		"once": `{"date": "2026-12-01", "commit": "def+", "machine": {"cpu": "another", "cores": 64}, "loadBefore": 12.345, "coresOfOthers": 1.5, "seconds": 3600, "tables": [
			{"name": "list", "title": "A list", "rows": [
				{"of": {"target": "a"}, "figures": {"z, MB": [1, 1, 1, 1], "b": "no figure"}, "ratios": {}},
				{"of": {"target": "b"}, "figures": {"z, MB": [2, 2, 2, 1], "c": [3, 3, 3, 1]}, "ratios": {}}
			]}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, "e2e/perf/results", name+".json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTemplates(t *testing.T) {
	dir := made(t)
	for name, c := range map[string]struct{ text, want string }{
		"a grid has no line without a figure": {
			`{{grid "sync" "requests" "request" "wazero <- time @ target=wazero; connections=1"}}`,
			"|  | wazero |\n|---|---|\n| pull | 0.5 ±2 % |",
		},
		"a grid has the figures of all rows that fit": {
			`{{grid "sync" "requests" "request" "wazero <- time @ target=wazero" "peer, rate <- rps @ target=peer; connections=1"}}`,
			"|  | wazero | peer, rate |\n|---|---|---|\n| pull | 0.5 ±2 %; 0.2–0.5 ? | 1,000 ±10 % |\n| unknown |  | 1,000 ±10 % |",
		},
		"a list has a column for each row, and the figures in their order": {
			`{{list "once" "list" "target"}}`,
			"|  | a | b |\n|---|---|---|\n| z, MB | 1 | 2 |\n| b | no figure |  |\n| c |  | 3 |",
		},
		"a list of some figures": {`{{list "once" "list" "target" "c"}}`, "|  | a | b |\n|---|---|---|\n| c |  | 3 |"},
		"a value":                {`{{value "sync" "requests" "time" "target=wazero" "connections=8"}}`, "0.2–0.5 ?"},
		"a run with rounds says the fewest": {
			`{{run "sync"}}`, "2026-11-30, commit abc, 7 rounds on 2 cores of a processor; the load before was 0.25, and other processes used 0 cores meanwhile",
		},
		"the table of all sections": {
			`{{sections}}`, "| section | date | commit | rounds | minutes | load before | cores of others |\n|---|---|---|---|---|---|---|\n" +
				"| `once` | 2026-12-01 | def+ | 1 | 60 | 12.3 | 1.5 |\n| `sync` | 2026-11-30 | abc | 7 | 1.5 | 0.25 | 0 |\n| together |  |  |  | 61.5 |  |  |",
		},
		"a title": {`{{title "once" "list"}}`, "A list"},
		"one run": {
			`{{run "once"}}`, "2026-12-01, commit def+, one run on 64 cores of another; the load before was 12.3, and other processes used 1.5 cores meanwhile",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := render(dir, c.text); err != nil || string(got) != c.want {
				t.Errorf("%s:\ngot  %q, %v\nwant %q", c.text, got, err, c.want)
			}
		})
	}
}

func TestATemplateThatNamesNoResultFails(t *testing.T) {
	dir := made(t)
	for text, want := range map[string]string{
		`{{run "projects"}}`: "no results of section projects",
		`{{grid "projects" "requests" "request" "a <- rps"}}`:      "no results of section projects",
		`{{grid "sync" "fan-out" "request" "a <- rps"}}`:           "section sync has no table fan-out",
		`{{grid "sync" "requests" "request" "a <- rpm"}}`:          "has no figure of",
		`{{grid "sync" "requests" "request" "a"}}`:                 "is not \"HEADER <- FIGURE",
		`{{grid "sync" "requests" "request" "a <- rps @ wazero"}}`: "is not \"HEADER <- FIGURE",
		`{{value "sync" "requests" "time" "target=peer"}}`:         "has no time of",
		`{{list "once" "other" "target"}}`:                         "section once has no table other",
	} {
		if got, err := render(dir, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v; want an error with %q", text, got, err, want)
		}
	}
}
