//go:build !js

// Package supply lists the third-party parts of Tidemark: the Go modules that the host and
// the guest link, and the npm packages of the demo. Its tests compare THIRD_PARTY.md, the
// versions and the licences with the lock files.
package supply

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Part is a module or a package.
type Part struct {
	Name, Version, Licence string
}

// allowed are the licences that a part may have. They allow everybody to use, change and
// sell it, and require only a notice.
var allowed = []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "0BSD", "blessing"}

// exceptions are parts whose lock file names no licence.
var exceptions = map[string]string{
	"@nozbe/sqlite": "blessing", // SQLite itself; the demo's build takes nothing of it
}

// goModules lists the modules of others that a package links for a platform.
func goModules(root, target string, platform ...string) ([]Part, error) {
	list := exec.Command("go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}`, target)
	list.Dir = root
	list.Env = append(os.Environ(), platform...)
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list what %s links: %w", target, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	var parts []Part
	for _, line := range slices.Compact(lines) {
		fields := strings.SplitN(line, " ", 3)
		if len(fields) < 3 {
			continue // a package of the standard library or of ours
		}
		licence, err := licenceIn(fields[2])
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{fields[0], fields[1], licence})
	}
	return parts, nil
}

// licences maps a sentence that only one licence has to its name. The first match counts.
var licences = []struct{ name, sentence string }{
	{"Apache-2.0", "Apache License, Version 2.0"},
	{"Apache-2.0", "Apache License Version 2.0"},
	{"BSD-3-Clause", "may be used to endorse or promote products derived from"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
	{"ISC", "distribute this software for any purpose with or without fee"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
}

var space = regexp.MustCompile(`\s+`)

// licenceIn reads the licence of the module in a folder.
func licenceIn(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "LICEN[CS]E*"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		words := space.ReplaceAllString(string(text), " ")
		for _, l := range licences {
			if strings.Contains(words, l.sentence) {
				return l.name, nil
			}
		}
	}
	return "", fmt.Errorf("%s has no licence that is known", dir)
}

// A lock is a package-lock.json, version 3.
type lock struct {
	Packages map[string]struct {
		Version, License, Integrity, Resolved string
		Dev, DevOptional, Link                bool
	}
}

func readLock(file string) (lock, error) {
	var l lock
	text, err := os.ReadFile(file)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("read %s: %w", file, err)
	}
	return l, nil
}

const installed = "node_modules/"

// npmPackages lists the packages of a lock file that are not for development alone.
func npmPackages(file string) ([]Part, error) {
	l, err := readLock(file)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for path, p := range l.Packages {
		if !strings.HasPrefix(path, installed) || p.Dev || p.DevOptional || p.Link {
			continue
		}
		name := path[strings.LastIndex(path, installed)+len(installed):]
		parts = append(parts, Part{name, p.Version, cmp.Or(p.License, exceptions[name])})
	}
	slices.SortFunc(parts, func(a, b Part) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return slices.Compact(parts), nil
}
