package watermelon

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/shared/record"
)

// drawRow draws a row with these names. It mostly is a good one.
func drawRow(t *rapid.T, id string, names []string, space string) string {
	odd := []string{
		`"é and more"`, `"a \"b\""`, `"\ud800"`, "\"12345678\x01\"", `"cut`, "0", "-0", "01", "0.5", "1e3", "-7", "123456789012345", "1234567890123456", "12x",
		"5 ", "true", "false", "null", `{"a":[1]}`, "[]", "", "NaN", `"twelve bytes"`,
	}
	var members []string
	for _, name := range names {
		values := []string{"3", `"lead"`, "1700000000000", `"abc"`}
		switch name {
		case "id", `\u0069d`:
			values = []string{`"` + id + `"`}
		case "rating", "updated_at", "created_at", "score":
			values = []string{"3", "1700000000000", "2"}
		case "name", "status", "_status", "_changed":
			values = []string{`"lead"`, `"abc"`, `"é"`, `"a\n"`}
		case "open":
			values = []string{"true", "false"}
		}
		if rapid.IntRange(0, 30).Draw(t, "is odd") == 0 {
			values = odd
		}
		members = append(members, `"`+name+`":`+space+rapid.SampledFrom(values).Draw(t, "value"))
	}
	return "{" + strings.Join(members, space+",") + space + "}"
}

// A row that follows others of the same members is read in a shorter way. It becomes what it becomes if it
// is alone, at the same place.
func TestARowIsReadTheSameBehindOthers(t *testing.T) {
	schema := checked(t)
	names := []string{"id", `\u0069d`, "_status", "_changed", "rating", "name", "status", "score", "open", "created_at", "updated_at", "newer", "name"}
	rapid.Check(t, func(t *rapid.T) {
		var shapes [2][]string
		for i := range shapes {
			shapes[i] = slices.Insert(rapid.SliceOfN(rapid.SampledFrom(names[2:]), 0, 9).Draw(t, "names"), 0, rapid.SampledFrom(names[:2]).Draw(t, "id"))
		}
		text := `{"changes":{"visits":{"created":[`
		all := record.TableBatch{}
		var ignored []string
		for i := range 6 {
			row := drawRow(t, fmt.Sprint("r", i), shapes[rapid.IntRange(0, 7).Draw(t, "shape")/7], strings.Repeat(" ", rapid.IntRange(0, 8).Draw(t, "space")/8))
			alone, errAlone := DecodePush(&schema, DefaultLimits(), []byte(blank(text)+row+"]}}}"))
			text += row
			together, err := DecodePush(&schema, DefaultLimits(), []byte(text+"]}}}"))
			if d := cmp.Diff(errAlone, err); d != "" {
				t.Fatalf("%s\nalone: %v\nbehind others: %v", text, errAlone, err)
			}
			if err != nil {
				return
			}
			one, got := alone.Tables[0], together.Tables[0]
			all.RowCount += one.RowCount
			all.Partial = all.Partial || one.Partial
			all.Latest = max(all.Latest, one.Latest)
			all.Filled = append(all.Filled, one.Filled...)
			all.Rejected = append(all.Rejected, one.Rejected...)
			if len(one.Rows) > 0 {
				all.Rows = append(all.Rows, one.Rows[0][1:len(one.Rows[0])-1])
			}
			if len(alone.Ignored[0]) > 0 {
				ignored = alone.Ignored[0]
			}
			want := all
			if want.Rows = nil; len(all.Rows) > 0 {
				want.Rows = [][]byte{fmt.Appendf(nil, "[%s]", bytes.Join(all.Rows, []byte(",")))}
			}
			if d := cmp.Diff(want, got) + cmp.Diff(ignored, together.Ignored[0]); d != "" {
				t.Fatal(text, d)
			}
			text += ","
		}
	})
}

// The tables have a different number of columns before created_at.
func TestRowsOfTwoTablesHaveTheirOwnMembers(t *testing.T) {
	row := `{"id":"a","created_at":6,"updated_at":7}`
	p, err := decode(`{"changes":{"customers":{"created":[` + row + `]},"products":{"created":[` + row + `]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(p.Tables[0].Rows[0])+string(p.Tables[1].Rows[0]), `[["a",8,7,6,0,0,0]][["a",32,7,6,0,0,0,0,0]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// blank replaces all rows of a text by white space.
func blank(text string) string {
	start := strings.Index(text, ":[") + 2
	return text[:start] + strings.Repeat(" ", len(text)-start)
}
