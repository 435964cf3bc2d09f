package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// sumBytes is about how many octets of rows are read in one part.
const sumBytes = 900_000

// sumOf reads at most ?1 parts of live rows, in the order of their ids.
func sumOf(t *record.Table) string {
	values := []string{"t." + t.ID}
	for i := range t.Columns {
		values = append(values, jsonValue(&t.Columns[i]))
	}
	values = append(values, "t.created_at", "t.updated_at")
	row := store.JSONArray(values)
	if len(values) > store.FunctionArgs {
		row = "json(" + row + ")"
	}
	return fmt.Sprintf(`SELECT json_group_array(json(line) ORDER BY id) AS part FROM (
  SELECT id, line, sum(octet_length(line)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) / %d AS part FROM (
    SELECT t.%s AS id, %s AS line FROM %s AS t WHERE t.deleted = 0))
GROUP BY part ORDER BY part LIMIT ?1`, sumBytes, t.ID, row, t.SQL)
}

// Checksum answers {"timestamp":…,"tables":{table:{"count":n,"checksum":"…"}}}
// over the live rows, so that a client that pulled the timestamp can see
// whether it is in step. The checksum is SHA-256 in hexadecimal over the rows
// in the order of their ids, each as
//
//	JSON.stringify([id, …the columns in declared order, created_at, updated_at]) + "\n"
//
// It returns watermelon.ErrTooLarge if the rows are more than a pull may have.
func (s *Store) Checksum(ctx context.Context, b store.Budget) (answer []byte, err error) {
	for _, times := range []int{1, escapedTimes} {
		if answer, err = s.checksum(ctx, b, times); answer != nil || err != nil {
			break
		}
	}
	if answer == nil && err == nil {
		err = watermelon.ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("checksum: %w", err)
	}
	return answer, nil
}

// checksum returns nil if a table has more than times what it seems to have.
func (s *Store) checksum(ctx context.Context, budget store.Budget, times int) ([]byte, error) {
	sizes, err := s.measure(ctx, s.reading[s.schema.Version-1], func(r *reading) string { return r.size }, nil, s.limits.PullBytes, times)
	if err != nil {
		return nil, err
	}
	statements := []abi.Statement{{SQL: readClock}}
	bytes := 0
	for i, size := range sizes {
		parts := size/sumBytes + 2
		bytes += min(parts*2*sumBytes, escapedTimes*size)
		statements = append(statements, abi.Statement{SQL: s.sums[i], Args: []any{parts}})
		sizes[i] = parts
	}
	if err := budget.Reserve(ctx, bytes); err != nil {
		return nil, err
	}
	results, err := s.db.Batch(ctx, statements)
	if err != nil {
		return nil, err
	}
	clock, err := clockOf(results)
	if err != nil {
		return nil, err
	}
	b := strconv.AppendInt([]byte(`{"timestamp":`), int64(clock.stamp), 10)
	b = append(b, `,"tables":{`...)
	for i, r := range results[1:] {
		if i > 0 {
			b = append(b, ',')
		}
		if len(r.Rows) == sizes[i] {
			return nil, nil
		}
		count, sum, err := sumRows(r)
		if err != nil {
			return nil, err
		}
		b = ijson.AppendString(b, s.schema.Tables[i].Name)
		b = strconv.AppendInt(append(b, `:{"count":`...), int64(count), 10)
		b = append(append(append(b, `,"checksum":"`...), sum...), `"}`...)
	}
	return append(b, "}}"...), nil
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
