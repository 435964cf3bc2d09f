package ijson

import (
	"reflect"
	"strings"
	"testing"
)

func TestUnknownNamesAreSortedAndUnique(t *testing.T) {
	pairs, problem := ObjectPairs([]byte(`{"z":1,"a":2,"z":3,"\u0061":4,"id":5}`))
	if problem != "" {
		t.Fatal(problem)
	}
	got := pairs.Unknown(func(name string) bool { return name == "id" })
	if strings.Join(got, " ") != "a z" || string(pairs.Get("a")) != "4" {
		t.Errorf("got %q, a is %s", got, pairs.Get("a"))
	}
}

// A text that was read once is split alike by quotes and brackets alone, and any other does no harm.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		`{"a":"\"}","b": [1, {"c":"]"}] ,"\u0061":null}`, `["\\",",","long text with a \" and a ]", -1e5 ,{"a":[]}]`, `{"a":"`, `[1,,2]`, `[]`, ` { } `, `"\`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pairs, problem := ObjectPairs(text)
		split, splitProblem := SplitPairs(Pairs{}, text)
		if problem == "" && (splitProblem != "" || !reflect.DeepEqual(split, pairs)) {
			t.Errorf("%q: %q %s, want %q", text, split, splitProblem, pairs)
		}
		elements, ok := Elements(text)
		splitElements, splitOK := SplitElements(text)
		if ok && (!splitOK || !reflect.DeepEqual(splitElements, elements)) {
			t.Errorf("%q: %q, want %q", text, splitElements, elements)
		}
	})
}
