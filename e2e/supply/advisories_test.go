//go:build !js

package supply

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool writes a shell script that stands for a program.
func tool(t *testing.T, file, script string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestAdvisoriesFailAndADatabaseOutOfReachIsTold(t *testing.T) {
	const (
		clean    = `echo '{"auditReportVersion":2}'`
		finding  = `echo '{"auditReportVersion":2}'; exit 1`
		noNpm    = `echo '{"error":{"summary":"405"}}'; exit 1`
		noVulndb = `echo 'govulncheck: fetching vulnerabilities: no such host' >&2; exit 1`
		toldNpm  = "npm audit: not run, its database cannot be reached\n"
		toldGo   = "govulncheck: not run, its database cannot be reached\n"
	)
	for name, c := range map[string]struct {
		govulncheck, npm string
		code             int
		says             string
	}{
		"nothing known":               {"exit 0", clean, 0, ""},
		"no network":                  {noVulndb, noNpm, 0, toldGo + toldNpm},
		"a finding in a Go module":    {"echo found; exit 3", noNpm, 1, "found\nfound\n" + toldNpm},
		"govulncheck itself fails":    {"exit 2", clean, 1, ""},
		"a finding in an npm package": {noVulndb, finding, 1, toldGo + "web:\n{\"auditReportVersion\":2}\nweb:\n{\"auditReportVersion\":2}\n" + "e2e:\n{\"auditReportVersion\":2}\ne2e/perf/rooms/peers:\n{\"auditReportVersion\":2}\ne2e/contract:\n{\"auditReportVersion\":2}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tool(t, filepath.Join(dir, "govulncheck"), c.govulncheck)
			tool(t, filepath.Join(dir, "npm"), c.npm)
			script := exec.Command("sh", "advisories.sh")
			script.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "GOVULNCHECK="+filepath.Join(dir, "govulncheck"))
			out, err := script.Output()
			code := 0
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || string(out) != c.says {
				t.Errorf("exit %d, %q; want %d, %q", code, out, c.code, c.says)
			}
		})
	}
}
