//go:build !js

package records

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
)

// A strict database fails the test if a statement is refused because a text grew
// too long: the database made all of it in memory first.
type strict struct {
	store.DB
	t *testing.T
}

func (s strict) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	results, err := s.DB.Batch(ctx, statements)
	if err != nil && strings.Contains(err.Error(), "too big") {
		s.t.Errorf("%v: %.300s", err, statements[len(statements)-1].SQL)
	}
	return results, err
}

// Long rows are measured before the database makes one text of them, whether the
// store has seen them before or not.
func TestTheDatabaseMakesNoTextThatIsFarTooLong(t *testing.T) {
	db := wasmtest.OpenD1(t, store.Migrations())
	s := newDialect(strict{db, t}, record.Default(), watermelon.DefaultLimits())
	pull := func(input string) (octets int) {
		t.Helper()
		_, octets, err := s.Pull(t.Context(), record.Caller{}, []byte(input), store.Budget{})
		if err != nil {
			t.Errorf("%s: %v", input, err)
		}
		return octets
	}
	text, _ := json.Marshal(strings.Repeat("x", 100_000))
	for i := range 3 {
		rows := make([]string, 40)
		for j := range rows {
			rows[j] = `{"id":"` + string(rune('a'+i)) + string(rune('a'+j%26)) + string(rune('a'+j/26)) + `","contact_name":"n","company_name":"c","notes":` + string(text) + `,"created_at":1,"updated_at":1}`
		}
		if _, _, err := s.Push(t.Context(), time.Now(), record.Caller{}, []byte(`{"changes":{"customers":{"created":[`+strings.Join(rows, ",")+`],"updated":[],"deleted":[]}},"lastPulledAt":null}`)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for _, input := range []string{`{}`, `{"lastPulledAt":1}`} {
				if got := pull(input); got < 4_000_000*(i+1) {
					t.Errorf("%s: %d octets of %d", input, got, 4_000_000*(i+1))
				}
			}
		}
	}
}
