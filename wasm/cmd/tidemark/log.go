//go:build !js

package main

import (
	"fmt"
	"io"
	"log/slog"
)

// newLog returns the log of serve: lines of text, or objects of JSON.
func newLog(format string, w io.Writer) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, fmt.Errorf("serve: --log %q is neither text nor json", format)
}
