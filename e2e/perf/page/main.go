// Command page makes docs/performance.md of page.md.tmpl and the results of the benchmarks in
// e2e/perf/results. Run it in the root of the repository: go run ./e2e/perf/page
package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed page.md.tmpl
var text string

func main() {
	page, err := render(".", text)
	if err == nil {
		err = os.WriteFile("docs/performance.md", page, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

// render returns the page of a template, with the results below root.
func render(root, text string) ([]byte, error) {
	all, err := readResults(filepath.Join(root, "e2e/perf/results"))
	if err != nil {
		return nil, err
	}
	page, err := template.New("page.md.tmpl").Option("missingkey=error").Funcs(template.FuncMap{
		"run": all.run, "grid": all.grid, "list": all.list, "value": all.value, "sections": all.sections, "title": all.title,
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, nil)
	return out.Bytes(), err
}
