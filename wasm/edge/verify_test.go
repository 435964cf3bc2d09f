//go:build !js

package edge_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"tidemark/wasm/wasmtest"
)

func TestTheHostVerifiesSignatures(t *testing.T) {
	text, err := os.ReadFile("testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []json.RawMessage
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	s := start(t, wasmtest.Options{})
	for _, c := range cases {
		var says struct {
			What string
			Want bool
		}
		if err := json.Unmarshal(c, &says); err != nil {
			t.Fatal(err)
		}
		if _, got := do(t, s, "POST", "/verify", string(c)); got != strconv.FormatBool(says.Want)+"\n" {
			t.Errorf("%s: got %s", says.What, got)
		}
	}
	atRest(t, s, 100)
}
