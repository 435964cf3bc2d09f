//go:build !js

package wasmtest

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
)

// Seeds runs a simulation with each seed from 1 to SIMULATE_SEEDS, or to usual if that
// variable is not set, or to short with -short. If SIMULATE_SEED is set it runs that seed
// alone. The seeds run in parallel: Seeds calls open once for each processor, and then
// the function that open returned, which returns the failure of a seed.
func Seeds(t *testing.T, usual, short uint64, open func(*testing.T) func(seed uint64) error) {
	t.Helper()
	if one, ok := seedVariable(t, "SIMULATE_SEED"); ok {
		if err := open(t)(one); err != nil {
			t.Fatal(err)
		}
		return
	}
	seeds := usual
	if testing.Short() {
		seeds = short
	}
	if n, ok := seedVariable(t, "SIMULATE_SEEDS"); ok {
		seeds = n
	}
	var last atomic.Uint64
	for i := range runtime.GOMAXPROCS(0) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			simulate := open(t)
			for seed := last.Add(1); seed <= seeds; seed = last.Add(1) {
				if err := simulate(seed); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func seedVariable(t *testing.T, name string) (uint64, bool) {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n, true
}
