//go:build !js

package api_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"tidemark/worker/api"
)

func TestVariablesOfWranglerAreTheDefaults(t *testing.T) {
	file, err := os.ReadFile("../../wrangler.toml")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(file), "\n[vars]\n")
	set := map[string]string{}
	for line := range strings.Lines(section) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			set[name] = strings.Trim(value, `"`)
		}
	}
	if set["LIMIT_PULL_BYTES"] == "" {
		t.Fatalf("no variables were read: %v", set)
	}
	read := func(set map[string]string) api.Settings {
		return api.ReadSettings(func(name string) string {
			if name == "AUTH_SECRET" {
				return secret
			}
			return set[name]
		})
	}
	if got, want := read(nil), read(set); !reflect.DeepEqual(got, want) {
		t.Errorf("without variables\n%+v\nwant those of wrangler.toml\n%+v", got, want)
	}
}

func TestALimitThatCannotBeIsNamed(t *testing.T) {
	for variable, ok := range map[string]bool{
		"LIMIT_DEPTH=0": false, "LIMIT_DEPTH=1": true, "LIMIT_DEPTH=deep": false,
		"LIMIT_CALL_MS=1e30": false, "LIMIT_CALL_MS=-1": false, "LIMIT_CALL_MS=2147483647": true,
		"LIMIT_MEMORY_MB=much": false, "LIMIT_MEMORY_MB=2047": true, "LIMIT_MEMORY_MB=2048": false,
	} {
		name, value, _ := strings.Cut(variable, "=")
		got := api.ReadSettings(func(asked string) string {
			return map[string]string{"AUTH_SECRET": secret, name: value}[asked]
		})
		if named := strings.HasPrefix(got.Problem, name+" "); named == ok || (ok && got.Problem != "") {
			t.Errorf("%s: the problem is %q", variable, got.Problem)
		}
	}
}
