//go:build !js

package edge

import (
	"testing"

	"tidemark/shared/abi"
)

func TestAFrameIsMadeAtItsLength(t *testing.T) {
	text := abi.Text("some text that is longer than all the rest of a frame, as the texts of a pull are")
	for _, results := range [][]abi.Result{
		nil,
		{{Columns: []string{"a"}, Rows: [][]any{}}},
		{{Changes: 3, Columns: []string{"a", "bc", "d", "e"}, Rows: [][]any{{nil, 1.5, text, []byte("blob")}, {text, text, nil, nil}}}, {}},
	} {
		want, err := abi.AppendResults(nil, results)
		if err != nil {
			t.Fatal(err)
		}
		got, err := frameOf(results)
		if err != nil || string(got) != string(want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		if allocations := testing.AllocsPerRun(100, func() { frameOf(results) }); allocations > 1 {
			t.Errorf("%v allocations for a frame of %d bytes", allocations, len(want))
		}
		if cap(got) > len(want)+len(want)/4+32 {
			t.Errorf("room for %d bytes, of which %d are used", cap(got), len(want))
		}
	}
}
