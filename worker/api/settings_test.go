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
