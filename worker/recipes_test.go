//go:build !js

package main_test

import (
	"testing"

	"tidemark/e2e/conformance"
)

// TestRecipesOnWazero runs the recipes of docs/auth.md with the guest.
func TestRecipesOnWazero(t *testing.T) {
	conformance.RunRecipes(t, "../docs/auth.md", func(t *testing.T, variables map[string]string) conformance.Host {
		env := []string{"AUTH_SECRET", ""} // but if a recipe sets it
		for name, value := range variables {
			env = append(env, name, value)
		}
		server, clock := startGuest(t, env...)
		return conformance.Host{BaseURL: server.URL, Now: clock.Now, Advance: clock.Advance}
	})
}
