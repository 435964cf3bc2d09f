package signature_test

import (
	"encoding/json"
	"os"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/signature"
)

// The hosts have the same cases: wasm/edge/verify_test.go and e2e/workerd/verify.test.mjs.
func TestWhichSignaturesAreGood(t *testing.T) {
	text, err := os.ReadFile("../../wasm/edge/testdata/signatures.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		What, Alg               string
		A, B, Signed, Signature []byte
		Want                    bool
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, c := range cases {
		frame := abi.AppendSignature(nil, abi.Signature{Alg: c.Alg, Key: [2]string{string(c.A), string(c.B)}, Signed: c.Signed, Signature: c.Signature})
		s, err := abi.DecodeSignature(frame)
		if err != nil {
			t.Fatal(err)
		}
		if got := signature.Good(s); got != c.Want {
			t.Errorf("%s: got %v", c.What, got)
		} else if got {
			good++
		}
		if _, err := abi.DecodeSignature(append(frame, 0)); err == nil {
			t.Errorf("%s, with a byte more: no error", c.What)
		}
		for i := range frame {
			if _, err := abi.DecodeSignature(frame[:i]); err == nil {
				t.Errorf("%s, cut at %d: no error", c.What, i)
			}
		}
	}
	if good != 4 {
		t.Errorf("%d signatures are good", good)
	}
}
