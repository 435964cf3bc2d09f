package abi

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// e2e/workerd/failure.test.mjs checks the glue on workerd against the same file.
func TestAFailureHasTheShapeOfItsPath(t *testing.T) {
	text, err := os.ReadFile("testdata/failures.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Status              int
		Path, Message, Type string
		Body                any
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		header, body := Failure{Status: c.Status, Path: c.Path, Message: c.Message}.Answer()
		want := [][2]string{
			{"Content-Type", c.Type}, {"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"},
			{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", "retry-after"},
		}
		var got any
		if err := json.Unmarshal(body, &got); err != nil || !reflect.DeepEqual(got, c.Body) || !reflect.DeepEqual(header, want) {
			t.Errorf("%d at %q: got %v %s, want %v %v", c.Status, c.Path, header, body, want, c.Body)
		}
	}
}
