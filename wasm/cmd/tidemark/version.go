//go:build !js

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"text/tabwriter"

	"tidemark/shared/abi"
)

// version is the name of the release. The Makefile sets it.
var version = "devel"

// runVersion prints what the binary is made of.
func runVersion(c *invocation) error {
	if err := c.parse(); err != nil {
		return err
	}
	return printVersion(os.Stdout)
}

func printVersion(out io.Writer) error {
	commit, wazero := "unknown", "unknown"
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				commit += ", with changes"
			}
		}
		for _, d := range build.Deps {
			if d.Path == "github.com/tetratelabs/wazero" {
				wazero = d.Version
			}
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]any{
		{"tidemark", version}, {"commit", commit}, {"go", runtime.Version()}, {"wazero", wazero},
		{"abi", abi.Number}, {"storage", storageNumber}, {"platform", runtime.GOOS + "/" + runtime.GOARCH},
	} {
		fmt.Fprintf(w, "%v\t%v\n", line[0], line[1])
	}
	return w.Flush()
}
