package watermelon

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/record"
)

func BenchmarkDecodePush1000(b *testing.B) {
	var rows []string
	for i := range 1000 {
		rows = append(rows, fmt.Sprintf(`{"id":"row-%d","_status":"created","_changed":"","contact_name":"Name %d","company_name":"Company %d","notes":"a note of some length, as people write them\n","created_at":%d,"updated_at":%d}`,
			i, i, i, 1_700_000_000_000+i, 1_700_000_000_000+i))
	}
	input := []byte(customers(`"created":[` + strings.Join(rows, ",") + `],"updated":[],"deleted":[]`))
	schema, limits := record.Default(), DefaultLimits()
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodePush(&schema, limits, input); err != nil {
			b.Fatal(err)
		}
	}
}
