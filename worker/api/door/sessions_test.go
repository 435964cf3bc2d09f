//go:build !js

package door_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"tidemark/worker/api/door"
	"tidemark/worker/webtest"
)

// A server that verifies tokens by public keys has no secret, and knows a ticket by its form.
func TestATicketWithoutASecretHasItsForm(t *testing.T) {
	random := strings.Repeat("A2", 13)
	for ticket, want := range map[string]bool{
		random: true, random[1:]: false, random + "A": false, strings.ToLower(random): false, random[2:] + "-A": false, random[2:] + "A=": false,
	} {
		r := httptest.NewRequest("GET", "/sync/subscribe?ticket="+ticket, nil)
		r.Header.Set("Upgrade", "websocket")
		c := &door.Call{Door: &door.Door{}, R: webtest.Request(r), Space: &door.Space{Name: "acme"}}
		if got := c.NewTicket(random); got != random {
			t.Fatalf("the ticket is %q, want %q", got, random)
		}
		if _, err := c.Enclose(); (err == nil) != want {
			t.Errorf("%q: got %v, want a ticket: %v", ticket, err, want)
		}
	}
}
