package records

import (
	"context"
	"fmt"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/record"
	"tidemark/worker/store"
	"tidemark/worker/store/grants"
)

// A claims says with which claims the caller pulled, as the sum of grants.Plan.Sum. Readers has a row
// for each time at which the claims of a subject changed. So the stamp of a pull says which claims
// the subject had at that pull. R4.
type claims struct {
	latest string // of the last pull; "": there was none
	then   string // of the pull that the caller asks the changes since
}

// readClaims reads the clock and the claims: ?1 is the subject and ?2 the stamp.
func readClaims(r *rules) string {
	return `SELECT ` + clockNames + `, (SELECT claims FROM Readers WHERE who = ?1 ORDER BY stamp DESC LIMIT 1), ` + r.claimsThen + ` FROM Clock`
}

// noteClaims begins a time of new claims: the clock moves, so that no pull before had its stamp.
// A space that was not born notes nothing: who pulled it gets a replacement anyway.
func noteClaims(r *rules, c record.Caller, sum string) []abi.Statement {
	return []abi.Statement{
		{SQL: `UPDATE Clock SET stamp = ` + r.noted + `, ruled = 1 WHERE stamp >= floor`},
		{SQL: `INSERT INTO Readers (who, stamp, claims) SELECT ?1, stamp, ?2 FROM Clock WHERE stamp >= floor`, Args: []any{c.Subject, sum}},
	}
}

func claimsOf(r abi.Result) claims {
	return claims{string(store.Text(r, clockColumns)), string(store.Text(r, clockColumns+1))}
}

// noteWriter notes the claims of a caller who pushes before their first pull, so that they may
// ask for the changes since their push.
const noteWriter = `INSERT INTO Readers (who, stamp, claims) SELECT ?1, stamp, ?2 FROM Clock
WHERE stamp >= floor AND NOT EXISTS (SELECT 1 FROM Readers WHERE who = ?1)`

// otherThan is the condition that the caller pulled the stamp base for other claims than they have
// now. It is NULL if they did not pull it.
func otherThan(plan *grants.Plan, base string, r *rules) string {
	other := fmt.Sprintf("(SELECT r.claims FROM Readers AS r WHERE r.who = %s AND r.stamp <= %s ORDER BY r.stamp DESC LIMIT 1) <> %s ->> %d",
		grants.Who, base, grants.Param, plan.SumSlot())
	return strings.ReplaceAll(r.other, "$other", other)
}

// all is the stamp to read the changes after, for every row that the caller may read.
const all record.Stamp = -1

// read runs the statements of a pull in one transaction, after one that reads the clock.
// statements are those that read what changed after a stamp: after at, or after all if the
// caller's claims are not those of the pull of that stamp. Its results follow that of the clock.
func (s *Store) read(ctx context.Context, c record.Caller, at record.Stamp, statements func(after record.Stamp) []abi.Statement) ([]abi.Result, clock, error) {
	var before []abi.Statement
	opening, sum := abi.Statement{SQL: s.rules.readClock}, ""
	rule := func() {
		sum = s.plan.Sum(c)
		opening = abi.Statement{SQL: s.readClaims, Args: []any{c.Subject, int64(at)}}
	}
	if s.plan.Reads() {
		rule()
	}
	for after := at; ; {
		batch := append(append(before, opening), statements(after)...)
		results, err := s.db.Batch(ctx, batch)
		if err != nil {
			return nil, clock{}, err
		}
		if len(results) != len(batch) {
			return nil, clock{}, errResults
		}
		results = results[len(before):]
		clock, err := clockOf(results)
		if err != nil {
			return nil, clock, err
		}
		if sum == "" {
			if !clock.ruled {
				return results, clock, nil
			}
			rule() // the tables had rules before
			continue
		}
		clock.claims = claimsOf(results[0])
		clock.other = at != 0 && clock.claims.then != sum && clock.stamp >= clock.floor
		note, again := before == nil && clock.claims.latest != sum, clock.other && after != all
		if note {
			before = noteClaims(s.rules, c, sum)
		}
		if clock.other {
			after = all
		}
		if !note && !again {
			return results, clock, nil
		}
	}
}
