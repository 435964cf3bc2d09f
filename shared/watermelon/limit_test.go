package watermelon

import (
	"errors"
	"strings"
	"testing"
)

// docs/protocol.md, U8: a refused push names table and id, sizes included.
func TestWhatIsBeyondALimitIsNamed(t *testing.T) {
	few := func(l *Limits) { l.PushRows, l.PushIDs, l.RowBytes = 2, 2, 100 }
	large := strings.Repeat("x", 100)
	for input, want := range map[string]InputError{
		customers(`"created":[{"id":"a"},{"id":"b","notes":"` + large + `"}]`):   {ID: "b", Reason: "the row is larger than 100 bytes"},
		customers(`"updated":[{"notes":"` + large + `","id":"c"},{"id":"d"}]`):   {ID: "c", Reason: "the row is larger than 100 bytes"},
		customers(`"created":[{"id":"a"},{"id":"b"}],"updated":[{"id":"c"}]`):    {Reason: "the push has more than 2 rows"},
		customers(`"created":[{"id":"a"}],"deleted":["b","c","d"],"updated":[]`): {Reason: "more than 2 ids to delete"},
	} {
		want.Table, want.TooLarge = "customers", true
		_, err := decode(input, few)
		var got *InputError
		if !errors.As(err, &got) || *got != want || !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s:\ngot  %#v\nwant %#v", input, err, want)
		}
	}
}
