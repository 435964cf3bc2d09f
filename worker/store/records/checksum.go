package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// sumBytes is about how many octets of rows are read in one part.
const sumBytes = 900_000

// sumOf reads at most ?1 parts of live rows that meet a condition, in the order of their ids.
func sumOf(t *record.Table, reads string) string {
	values := []string{"t." + t.ID}
	for i := range t.Columns {
		values = append(values, jsonValue(&t.Columns[i]))
	}
	values = append(values, "t.created_at", "t.updated_at")
	row := store.JSONArray(values)
	if len(values) > store.FunctionArgs {
		row = "json(" + row + ")"
	}
	return grants.In(fmt.Sprintf(`SELECT json_group_array(json(line) ORDER BY id) AS part FROM (
  SELECT id, line, sum(octet_length(line)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) / %d AS part FROM (
    SELECT t.%s AS id, %s AS line FROM %s AS t WHERE %s))
GROUP BY part ORDER BY part LIMIT ?1`, sumBytes, t.ID, row, t.SQL, both("t.deleted = 0", reads)), 2)
}

// Checksum sums up the live rows that the caller may read, so that a client that pulled the stamp can see
// whether it has the same. The sum of a table is SHA-256 over its rows in the order
// of their ids, each as
//
//	JSON.stringify([id, …the columns in declared order, created_at, updated_at]) + "\n"
//
// It returns record.ErrTooLarge if the rows are more than a page may have.
func (s *Store) Checksum(ctx context.Context, caller record.Caller, b store.Budget) (sums record.Sums, err error) {
	for _, times := range []int{1, escapedTimes} {
		if sums, err = s.checksum(ctx, caller, b, times); !insufficient(err) {
			return sums, wrap("checksum", err)
		}
	}
	return record.Sums{}, wrap("checksum", record.ErrTooLarge)
}

// checksum returns errMore if a table has more than times what it seems to have.
func (s *Store) checksum(ctx context.Context, caller record.Caller, budget store.Budget, times int) (record.Sums, error) {
	given := s.grants(caller)
	sizes, err := s.measure(ctx, &record.Since{Version: s.schema.Version}, func(r *tableReading, _ record.Stamp) abi.Statement { return r.askLive(r.size, given) }, s.pageOctets, times)
	if err != nil {
		return record.Sums{}, err
	}
	statements := []abi.Statement{{SQL: s.rules.readClock}}
	octets := 0
	for i, size := range sizes {
		parts := size/sumBytes + 2
		octets += min(parts*2*sumBytes, escapedTimes*size)
		sum := abi.Statement{SQL: s.sums[i], Args: []any{parts}}
		if s.schema.Tables[i].Read != nil {
			sum.Args = append(sum.Args, given)
		}
		statements = append(statements, sum)
		sizes[i] = parts
	}
	if err := budget.Reserve(ctx, octets); err != nil {
		return record.Sums{}, err
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return record.Sums{}, err
	}
	clock, err := clockOf(results)
	if err != nil {
		return record.Sums{}, err
	}
	if len(results) != len(statements) {
		return record.Sums{}, errResults
	}
	sums := record.Sums{Stamp: clock.stamp}
	for i, r := range results[1:] {
		if len(r.Rows) == sizes[i] {
			return record.Sums{}, errMore
		}
		t := record.TableSum{Name: s.schema.Tables[i].Name}
		if t.Count, t.Sum, err = sumRows(r); err != nil {
			return record.Sums{}, err
		}
		sums.Tables = append(sums.Tables, t)
	}
	return sums, nil
}

// sumRows sums up the rows in the parts, which are in the order of ids.
func sumRows(r abi.Result) (count int, sum string, err error) {
	h := sha256.New()
	var line []byte
	for _, cells := range r.Rows {
		in := ijson.NewScanner(store.CellText(cells[0]), 2)
		for in.Enter(ijson.Array); in.Element(); count++ {
			line = append(in.AppendCanonical(line[:0]), '\n')
			h.Write(line)
		}
		if in.Err() != nil {
			return 0, "", in.Err()
		}
	}
	return count, hex.EncodeToString(h.Sum(nil)), nil
}
