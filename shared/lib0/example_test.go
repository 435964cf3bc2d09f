package lib0_test

import (
	"fmt"

	"tidemark/shared/lib0"
)

// A writer appends values to a slice, and a Reader reads them in the same order.
func Example() {
	var b []byte
	b = lib0.AppendUint(b, 300)
	b = lib0.AppendString(b, "tide")
	b = lib0.AppendBytes(b, []byte{1, 2, 3})
	fmt.Printf("% x\n", b)

	r := lib0.NewReader(b)
	number, err := r.Uint()
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := r.String()
	if err != nil {
		fmt.Println(err)
		return
	}
	rest, err := r.Bytes()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(number, string(text), rest, r.Len())
	// Output:
	// ac 02 04 74 69 64 65 03 01 02 03
	// 300 tide [1 2 3] 0
}

// A length that the buffer cannot hold is an error before anything is allocated.
func ExampleReader_Bytes() {
	r := lib0.NewReader(lib0.AppendUint(nil, 1<<40))
	_, err := r.Bytes()
	fmt.Println(err)
	// Output: byte 6: length exceeds the bytes left
}

// An Any value is checked and skipped, and its bytes are kept as they are.
func ExampleReader_SkipAny() {
	r := lib0.NewReader([]byte{117, 2, 119, 1, 'a', 125, 7}) // ["a", 7]
	from := r.Pos()
	if err := r.SkipAny(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(lib0.AppendAnyJSON(nil, r.Since(from))))
	// Output: ["a",7]
}
