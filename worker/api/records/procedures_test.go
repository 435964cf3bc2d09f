//go:build !js

package records

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tidemark/shared/trpc"
)

// The tests of leaks between spaces call each procedure of the list.
func TestTheListOfRoutesHasEveryProcedure(t *testing.T) {
	b, err := os.ReadFile("../testdata/routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for path, p := range procedures {
		method := "GET"
		if p.kind == trpc.Mutation {
			method = "POST"
		}
		if line := fmt.Sprintf("\ntrpc %s %s %s\n", method, path, p.permission); !strings.Contains(string(b), line) {
			t.Errorf("testdata/routes.txt lacks %q", line)
		}
	}
	if got := strings.Count(string(b), "\ntrpc "); got != len(procedures) {
		t.Errorf("%d procedures are listed, want %d", got, len(procedures))
	}
}
