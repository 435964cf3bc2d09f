//go:build release && !js

package main

import (
	"embed"
	"io/fs"
)

// The Makefile makes the folder: wrangler.toml, tables.toml, tidemark.wasm.gz, and the folders of
// the migrations and of the assets under the names that wrangler.toml has for them.
//
//go:embed all:inside
var insideFiles embed.FS

// inside returns what the binary serves by itself.
func inside() fs.FS {
	dir, err := fs.Sub(insideFiles, "inside")
	if err != nil {
		panic(err)
	}
	return dir
}
