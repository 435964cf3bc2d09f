//go:build !js

package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "take the OpenAPI document of now for that of the last release")

// released is the OpenAPI document of the last release: renew it with -rewrite when
// there is one.
const released = "testdata/released.json"

// excepted are changes that break a client, as a breach writes them, each with the
// reason why it is made all the same.
var excepted = map[string]string{}

// A breach is a change of the document that breaks some client, as oasdiff tells it.
type breach struct {
	ID, Operation, Path, Text string
}

func (b breach) String() string { return b.Operation + " " + b.Path + " " + b.ID }

// TestTheDocumentBreaksNoClient compares the document with that of the last release.
func TestTheDocumentBreaksNoClient(t *testing.T) {
	if testing.Short() {
		t.Skip("builds oasdiff")
	}
	compare := oasdiff(t)
	now := newDocument(t, openProjects(t, nil).URL).text
	if *rewrite {
		if err := os.WriteFile(released, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	for _, b := range compare(now) {
		found = append(found, b.String())
		if excepted[b.String()] == "" {
			t.Errorf("%s: %s", b, b.Text)
		}
	}
	for b := range excepted {
		if !slices.Contains(found, b) {
			t.Errorf("excepted and not found: %s", b)
		}
	}
}

// Each change here breaks a client, so that a comparison that finds nothing is known
// to look.
func TestABrokenDocumentIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("builds oasdiff")
	}
	compare := oasdiff(t)
	const list = "/api/v1/projects/{project_id}/tasks/"
	for want, spoil := range map[string]func(paths, schemas map[string]any){
		"DELETE " + list + "{id}/ api-removed-without-deprecation": func(paths, _ map[string]any) {
			delete(paths[list+"{id}/"].(map[string]any), "delete")
		},
		"POST " + list + " request-property-became-required": func(_, schemas map[string]any) {
			create := schemas["TaskCreate"].(map[string]any)
			create["required"] = append(create["required"].([]any), "notes")
		},
		"GET " + list + "{id}/ response-required-property-removed": func(_, schemas map[string]any) {
			task := schemas["Task"].(map[string]any)
			delete(task["properties"].(map[string]any), "server_version")
			task["required"] = slices.DeleteFunc(task["required"].([]any), func(name any) bool { return name == "server_version" })
		},
	} {
		text, err := os.ReadFile(released)
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		spoil(document["paths"].(map[string]any), document["components"].(map[string]any)["schemas"].(map[string]any))
		if text, err = json.Marshal(document); err != nil {
			t.Fatal(err)
		}
		found := compare(text)
		if !slices.ContainsFunc(found, func(b breach) bool { return b.String() == want }) {
			t.Errorf("got %v, want %s", found, want)
		}
	}
}

// oasdiff builds the tool, and returns what compares a document with the released one.
// It has a module file of its own: RATIONALE.md.
func oasdiff(t *testing.T) func(document []byte) []breach {
	t.Helper()
	dir := t.TempDir()
	tool, file := filepath.Join(dir, "oasdiff"), filepath.Join(dir, "now.json")
	build := exec.Command("go", "build", "-modfile=worker/api/testdata/oasdiff.mod", "-o", tool, "github.com/oasdiff/oasdiff")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build oasdiff: %v\n%s", err, out)
	}
	return func(document []byte) (found []breach) {
		t.Helper()
		if err := os.WriteFile(file, document, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "breaking", "--format", "json", released, file).Output()
		if err != nil {
			t.Fatalf("oasdiff: %v", err)
		}
		if err := json.Unmarshal(out, &found); err != nil {
			t.Fatalf("oasdiff: %v: %s", err, out)
		}
		return found
	}
}
