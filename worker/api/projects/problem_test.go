package projects

import (
	"testing"

	"tidemark/shared/project"
	"tidemark/worker/api/door"
)

// Each kind of failure is a problem of its own status. Nothing below root conflicts, also with
// an If-Match, or is missing but by a code of package project.
func TestEachKindOfFailureIsAProblem(t *testing.T) {
	for kind := door.InternalError; kind <= door.ServiceUnavailable; kind++ {
		if kind == door.Conflict || kind == door.NotImplemented || kind == door.PreconditionFailed {
			continue
		}
		p := kindOf(project.Code(kind.Name()))
		if string(p.code) != kind.Name() || p.status != kind.Status() {
			t.Errorf("%s: %s with %d", kind.Name(), p.code, p.status)
		}
	}
}
