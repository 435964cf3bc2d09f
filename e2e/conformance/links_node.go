package conformance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// linkCases need Node and the packages of e2e/package.json.
var linkCases = []testCase{
	{"every link of the real client", func(t *testing.T, c *client) {
		_, file, _, _ := runtime.Caller(0)
		dir := filepath.Dir(file)
		if _, err := os.Stat(filepath.Join(dir, "../node_modules/@trpc/client")); err != nil {
			t.Skip("the packages of e2e/package.json are not installed")
		}
		node, err := exec.LookPath("node")
		if err != nil {
			t.Skip("there is no Node")
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if out, err := exec.CommandContext(ctx, node, filepath.Join(dir, "links.mjs"), c.URL(""), c.bearer(), newID("links")).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}},
}
