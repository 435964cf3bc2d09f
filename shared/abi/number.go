package abi

import (
	"fmt"
	"iter"
	"strings"
)

// Number is the number of this ABI.
const Number = 6

// The modules that a guest imports from. Module ends with Number.
const (
	Module       = modulePrefix + "6"
	TestModule   = "tidemark_test"
	modulePrefix = "tidemark_abi_"
)

// StartVariable is a variable that the host sets, see the package comment.
const StartVariable = "TIDEMARK_START"

// CheckImports returns an error unless a guest with imports from those modules was built for
// this ABI.
func CheckImports(modules iter.Seq[string]) error {
	for module := range modules {
		if number, ok := strings.CutPrefix(module, modulePrefix); ok && module != Module {
			return fmt.Errorf("the guest was built for the host ABI %s, and this host implements %d", number, Number)
		} else if ok {
			return nil
		}
	}
	return fmt.Errorf("the guest names no number of the host ABI; this host implements %d", Number)
}
