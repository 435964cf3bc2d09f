//go:build !js

package records

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/record"
	"tidemark/worker/store"
)

// clientSum is what a client computes from its own rows.
func clientSum(t *testing.T, columns []string, rows map[string]object) (count int, sum string) {
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		values := list{id}
		for _, c := range columns {
			values = append(values, rows[id][c])
		}
		var line bytes.Buffer
		e := json.NewEncoder(&line)
		e.SetEscapeHTML(false) // and ends with a newline
		if err := e.Encode(values); err != nil {
			t.Fatal(err)
		}
		h.Write(line.Bytes())
	}
	return len(rows), hex.EncodeToString(h.Sum(nil))
}

func TestAClientCanComputeTheChecksum(t *testing.T) {
	f := newFixture(t)
	random := rand.New(rand.NewPCG(3, 4))
	var customers, products list
	for i := range 3000 {
		customers = append(customers, object{"id": fmt.Sprint("c", random.Uint32()), "contact_name": strings.Repeat("ä\"\n\x01😀", random.IntN(9)),
			"notes": strings.Repeat("x", random.IntN(2000)), "created_at": at(int64(i)), "updated_at": at(random.Int64N(1000))})
		products = append(products, object{"id": fmt.Sprint("p", i), "price": random.NormFloat64() * 100, "discounts": float64(random.IntN(3)), "updated_at": at(0)})
	}
	f.push(object{"changes": object{"customers": object{"created": customers, "deleted": list{"gone"}}, "products": object{"created": products}}})
	f.push(object{"changes": object{"products": object{"deleted": list{"p7"}}}})
	answer, err := f.Checksum(t.Context(), record.Caller{}, store.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Timestamp stamp
		Tables    map[string]struct {
			Count    int
			Checksum string
		}
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	p := f.pull(nil)
	expect(t, got.Timestamp, p.Timestamp)
	for table, columns := range map[string][]string{
		"customers": {"contact_name", "company_name", "notes", "created_at", "updated_at"},
		"products":  {"title", "description", "price", "discounts", "image", "created_at", "updated_at"},
	} {
		count, sum := clientSum(t, columns, p.rows(table))
		expect(t, got.Tables[table].Count, count)
		expect(t, got.Tables[table].Checksum, sum)
	}
}
