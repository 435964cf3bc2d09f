package abi

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// operate.md, M3. e2e/workerd/observe.test.mjs checks the glue on workerd against the same file.
func TestOnlySaneIDsAndTraceparentsAreTaken(t *testing.T) {
	text, err := os.ReadFile("testdata/traces.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct{ IDs, Traceparents [][2]any }
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	check := func(valid func(string) bool, cases [][2]any) {
		t.Helper()
		for _, c := range cases {
			value := c[0].(string)
			switch value {
			case "LONG128":
				value = strings.Repeat("x", 128)
			case "LONG129":
				value = strings.Repeat("x", 129)
			}
			if got := valid(value); got != c[1] {
				t.Errorf("%q: got %v, want %v", value, got, c[1])
			}
		}
	}
	check(ValidRequestID, cases.IDs)
	check(ValidTraceparent, cases.Traceparents)
}
