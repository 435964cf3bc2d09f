//go:build !js

package documents

import (
	"context"
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/yroom"
)

// The clients of a deleted document come back as they were written, in an object that
// is older than their table too.
func TestGoneClientsComeBack(t *testing.T) {
	db := openDB(t)
	l := Log{Exec: func(s ...abi.Statement) ([]abi.Result, error) { return db.Batch(context.Background(), s) }}
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
	if _, err := l.Exec(abi.Statement{SQL: "DROP TABLE gone"}, abi.Statement{SQL: "UPDATE layout SET version = 2"}); err != nil {
		t.Fatal(err)
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
