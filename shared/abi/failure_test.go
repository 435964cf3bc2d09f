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
			{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Expose-Headers", "retry-after, x-request-id"},
		}
		var got any
		if err := json.Unmarshal(body, &got); err != nil || !reflect.DeepEqual(got, c.Body) || !reflect.DeepEqual(header, want) {
			t.Errorf("%d at %q: got %v %s, want %v %v", c.Status, c.Path, header, body, want, c.Body)
		}
	}
}

// operate.md, M3.
func TestAProblemNamesItsRequest(t *testing.T) {
	f := Failure{Status: 500, Path: "/api/v1/projects/", Message: "it ended", RequestID: "r-1", Traceparent: "p"}
	for path, named := range map[string]bool{"/api/v1/projects/": true, "/s/acme/api/v1/projects/": true, "/trpc/sync.pull": false} {
		f.Path = path
		_, body := f.Answer()
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil || (got["request_id"] == "r-1") != named || (got["traceparent"] == "p") != named {
			t.Errorf("%s: got %s, want the names of the request: %v", path, body, named)
		}
	}
}
