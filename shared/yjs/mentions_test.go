package yjs_test

import (
	"testing"

	"tidemark/shared/yjs"
)

func TestMentions(t *testing.T) {
	update := (&updateWriter{}).uint(2,
		5, 9, 0).text("a"). // of client 9
		textBehind(8, 0, "behind 8").
		byte(0x44).uint(7, 0).string("before 7").
		byte(4).uint(0, 6, 0).string("inside 6").
		byte(0).uint(1). // a GC
		uint(1, 5, 0).text("a").
		uint(1, 4, 1, 0, 1).b
	if _, err := yjs.Validate(update, yjs.Limits{}); err != nil {
		t.Fatal(err)
	}
	for client := range uint64(12) {
		got, err := yjs.Mentions(update, func(c uint64) bool { return c == client })
		if want := client >= 4 && client <= 9; got != want || err != nil {
			t.Errorf("client %d: got %v, %v; want %v", client, got, err, want)
		}
	}
}
