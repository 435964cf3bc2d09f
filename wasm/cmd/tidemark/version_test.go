//go:build !js

package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/abi"
)

// e2e/releases asks a released binary for the rest. F2.
func TestTheVersionNamesTheNumbers(t *testing.T) {
	var out strings.Builder
	if err := printVersion(&out); err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(out.String())
	for name, want := range map[string]any{
		"tidemark": version, "go": runtime.Version(), "abi": abi.Number, "storage": storageNumber,
	} {
		if i := slices.Index(words, name); i < 0 || words[i+1] != fmt.Sprint(want) {
			t.Errorf("%s: got\n%s, want %v", name, &out, want)
		}
	}
}
