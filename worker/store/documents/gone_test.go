//go:build !js

package documents

import (
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/yroom"
)

// The clients of a deleted document come back as they were written, in an object that
// is older than their table too.
func TestGoneClientsComeBack(t *testing.T) {
	l := newLog(t)
	check := func(until int64, clients string) {
		t.Helper()
		s, err := l.Open()
		if err != nil || s.Gone != until {
			t.Errorf("gone until %d, %v; want %d", s.Gone, err, until)
		}
		if got, err := l.Gone(); string(got) != clients || err != nil {
			t.Errorf("clients %q, %v; want %q", got, err, clients)
		}
	}
	if _, err := l.Open(); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"DROP TABLE gone", "DROP TABLE Webhooks", "DROP TABLE WebhookState", "UPDATE layout SET version = 2"} {
		if _, err := l.Exec(abi.Statement{SQL: sql}); err != nil {
			t.Fatal(err)
		}
	}
	check(0, "")
	for _, step := range []struct {
		gone yroom.Gone
		want string
	}{
		{yroom.Gone{Until: 1_700_000_000_123, Clients: []byte("first")}, "first"},
		{yroom.Gone{Until: 1_700_000_000_456, Clients: []byte("second")}, "second"},
		{yroom.Gone{}, ""},
	} {
		if err := l.Write(yroom.Write{Meta: &yroom.Meta{}, Sweep: true, Gone: &step.gone}); err != nil {
			t.Fatal(err)
		}
		check(step.gone.Until, step.want)
	}
}
