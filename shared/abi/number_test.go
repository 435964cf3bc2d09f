package abi

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestModuleEndsWithTheNumber(t *testing.T) {
	if want := fmt.Sprint(modulePrefix, Number); Module != want {
		t.Errorf("Module is %q, want %q", Module, want)
	}
}

// Neither the compiler's directive nor JavaScript can use the constant.
func TestBothSidesNameTheModule(t *testing.T) {
	for file, before := range map[string]string{
		"../../worker/host/imports.go": "//go:wasmimport ",
		"../../worker/guest.mjs":       `const ABI = "`,
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, named := strings.Count(string(source), before), strings.Count(string(source), before+Module)
		if n == 0 || n != named {
			t.Errorf("%s: %d of %d imports are from %s", file, named, n, Module)
		}
	}
}

func TestAGuestOfAnotherABIIsRefused(t *testing.T) {
	for _, c := range []struct {
		modules []string
		want    string // in the error; "": none
	}{
		{[]string{"gojs", Module}, ""},
		{[]string{"gojs", TestModule, Module}, ""},
		{[]string{"gojs", modulePrefix + "5"}, "built for the host ABI 5, and this host implements 6"},
		{[]string{"gojs", "tidemark"}, "names no number"},
		{nil, "names no number"},
	} {
		err := CheckImports(slices.Values(c.modules))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.modules, err, c.want)
		}
	}
}
