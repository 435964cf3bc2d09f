package ijson

import (
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
