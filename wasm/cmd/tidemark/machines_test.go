//go:build !js

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"tidemark/wasm/wasmtest"
)

// names finds metrics in PromQL and in a scrape, where labels and functions have other names.
var names = regexp.MustCompile(`\b(?:tidemark|process|go)_[a-z_]+\b`)

// operate.md, M4.
func TestEachMetricOfTheDashboardAndTheAlertsExists(t *testing.T) {
	root, err := wasmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	dashboard, expressions := readMachine(t, root, "grafana.json"), []string{}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(dashboard, &board); err != nil {
		t.Fatal(err)
	}
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(readMachine(t, root, "alerts.yaml"), &rules); err != nil {
		t.Fatal(err)
	}
	alerts := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				alerts++
			}
			expressions = append(expressions, rule.Expr)
		}
	}
	if alerts != 7 || len(expressions) < 16 {
		t.Errorf("%d alerts and %d expressions", alerts, len(expressions))
	}
	scraped := scrape(t, root)
	for _, expression := range expressions {
		if opened, closed := strings.Count(expression, "("), strings.Count(expression, ")"); opened != closed || expression == "" {
			t.Errorf("%q has %d opening and %d closing parentheses", expression, opened, closed)
		}
		found := names.FindAllString(expression, -1)
		for _, name := range found {
			if !strings.Contains(scraped, "\n"+name+" ") && !strings.Contains(scraped, "\n"+name+"{") {
				t.Errorf("%q: the server has no %s", expression, name)
			}
		}
		if len(found) == 0 {
			t.Errorf("%q names no metric", expression)
		}
	}
}

func readMachine(t *testing.T, root, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "docs/machines", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// scrape returns the metrics of a server with the project's guest, which has served a request.
func scrape(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	guest := filepath.Join(dir, "tidemark.wasm")
	if err := os.WriteFile(guest, wasmtest.Build(t, "./worker"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, dir, "--config", filepath.Join(root, "wrangler.toml"), "--wasm", guest, "--metrics-addr", "127.0.0.1:0")
	if got, err := s.get("/healthz"); got != `200 {"status":"ok"}` {
		t.Fatalf("got %s, %v", got, err)
	}
	return s.metrics(t)
}

// metrics returns the text of /metrics, whose address the log names.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`http://[0-9.:]+/metrics`).FindString(s.log.String())
	if m == "" {
		t.Fatalf("the log names no address: %s", &s.log)
	}
	res, err := http.Get(m)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	return "\n" + string(b)
}
