//go:build !js

package histories

import (
	"net/http"
	"testing"
	"time"

	"tidemark/e2e/conformance"
	"tidemark/e2e/hosts"
)

// patience is how long a host may take to start, and a client may wait for its answer.
const patience = hosts.StartTimeout

// The clients of a round are few subjects, with many uploads each.
const uploadLimit = "LIMIT_UPLOADS_PER_MINUTE=100000"

// A gatedHost is a host with a gate before it. The gate stays as it is while the host
// starts.
type gatedHost struct {
	*hosts.Host
	gate *gate
}

func wazero(t *testing.T) *gatedHost   { return newGatedHost(t, hosts.Wazero(t, uploadLimit)) }
func wrangler(t *testing.T) *gatedHost { return newGatedHost(t, hosts.Wrangler(t, uploadLimit)) }

func newGatedHost(t *testing.T, h *hosts.Host) *gatedHost {
	g := newGate(t, h.Address())
	t.Cleanup(g.shut)
	return &gatedHost{h, g}
}

// gateDoor is the way to the host through the gate.
func (h *gatedHost) gateDoor() conformance.Door {
	door := h.Door()
	door.BaseURL = "http://" + h.gate.listener.Addr().String()
	return door
}

// restore tells the host that its data is of an earlier time, and returns the floor.
func (h *gatedHost) restore(t *testing.T) int64 {
	t.Helper()
	c := newClient(h.Door(), nil, 0, "operator", "sync:admin")
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		var restored struct{ Floor int64 }
		a := c.ask("POST", "/sync/restore", nil)
		if a.status == http.StatusOK && a.read(&restored) {
			return restored.Floor
		}
		if a.known() || time.Now().After(deadline) { // a slow machine may return an unknown status, which is tried again
			t.Fatalf("restore: %v", a)
		}
	}
}
