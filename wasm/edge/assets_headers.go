//go:build !js

package edge

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

// headersFile lists the headers of the assets beside it. It is not served.
// Cloudflare docs, Workers, Static Assets, Headers.
const headersFile = "_headers"

// A headerRule gives headers to the paths that match it: one path, or all paths
// with a prefix if the rule ends with an asterisk.
type headerRule struct {
	prefix string
	exact  bool
	header http.Header
}

func (r *headerRule) matches(path string) bool {
	return path == r.prefix || !r.exact && strings.HasPrefix(path, r.prefix)
}

func readHeaderRules(files fs.FS) ([]headerRule, error) {
	text, err := fs.ReadFile(files, headersFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	return parseHeaderRules(string(text))
}

// parseHeaderRules reads a path from a line, and its headers from the indented
// lines below it. It rejects the rules that this host does not implement:
// placeholders, other asterisks, hosts, and the removal of headers.
func parseHeaderRules(text string) ([]headerRule, error) {
	var rules []headerRule
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		wrong := func(why string) error { return fmt.Errorf("assets: %s line %d: %s", headersFile, i+1, why) }
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			prefix, more := strings.CutSuffix(trimmed, "*")
			if !strings.HasPrefix(prefix, "/") || strings.ContainsAny(prefix, "*:") {
				return nil, wrong("must be a path, with an asterisk at its end or none")
			}
			rules = append(rules, headerRule{prefix: prefix, exact: !more, header: http.Header{}})
			continue
		}
		name, value, ok := strings.Cut(trimmed, ":")
		if !ok || len(rules) == 0 || strings.HasPrefix(name, "!") {
			return nil, wrong("must be a header, NAME: VALUE, of the path above it")
		}
		rules[len(rules)-1].header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return rules, nil
}

// setHeaders adds the headers of a path to a response. If several rules set a
// header, it has all their values, joined by commas.
func setHeaders(to http.Header, rules []headerRule, path string) {
	fields := map[string][]string{}
	for i := range rules {
		if rules[i].matches(path) {
			for name, values := range rules[i].header {
				fields[name] = append(fields[name], values...)
			}
		}
	}
	for name, values := range fields {
		if value := strings.Join(values, ", "); name == "Vary" {
			to.Add(name, value) // the host has a Vary of its own
		} else {
			to.Set(name, value)
		}
	}
}
