package watermelon

import (
	"testing"

	"pgregory.net/rapid"
)

// The hashes are of few values: ids come to share them, and to stand behind each other.
func TestASetOfIDsKnowsEachOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set idSet
		known := map[string]bool{}
		id := rapid.StringMatching("[a-c]{1,4}|[a-c]{128}")
		for range rapid.IntRange(0, 200).Draw(t, "ids") {
			if rapid.IntRange(0, 100).Draw(t, "reset") == 0 || len(known) == 0 {
				set.reset()
				clear(known)
			}
			text := id.Draw(t, "id")
			hash := uint64(uint32(len(text)%4) * 0xffff_ffff)
			if got := set.insert([]byte(text), hash); got == known[text] {
				t.Fatalf("%q is new: %v, of %v", text, got, known)
			}
			known[text] = true
		}
	})
}

func TestTheHashOfAnIDIsOfTheSet(t *testing.T) {
	var set idSet
	set.reset()
	for _, c := range []struct {
		id   string
		want bool
	}{{"a", true}, {"b", true}, {"a", false}, {"b", false}} {
		if got := set.add([]byte(c.id)); got != c.want {
			t.Errorf("%s is new: %v", c.id, got)
		}
	}
}
