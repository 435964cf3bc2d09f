//go:build !js

package records

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// A value that WatermelonDB filled in counts as absent, and the next pull brings what is stored. K1.
func TestWhoPushedAFilledValueGetsTheStoredOne(t *testing.T) {
	s := guarded()
	s.Version = 2
	one := 1.0
	s.Tables[0].Columns = append(s.Tables[0].Columns, record.Column{Name: "stars", SQL: "stars", Type: record.Number, Since: 2, Default: 3.0, Check: record.Check{Min: &one}})
	f := newFixture(t)
	if _, err := f.db.Batch(t.Context(), createTables(s)); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, s, watermelon.DefaultLimits())
	a := (&ruled{f}).as("a", "")
	a.pushes(0, object{"visits+": list{row("v", at(0), "owner", "a", "rating", nil, "stars", 2)}})
	ta := a.expect(0, "visits v")
	got, _ := a.pushes(ta, object{"visits*": list{row("v", at(0), "owner", "a", "rating", nil, "stars", 0)}}) // updated_at is not touched
	a.same("rejected", got, rejected{})
	a.expect(ta, "visits v")
}

// R4, R6: the claims of a push are not those of the pulls before and after it. The caller gets no
// row to keep that they may not read.
func TestAPushByOtherClaimsThanThePullsAroundItIsTold(t *testing.T) {
	f := newRuled(t)
	b := f.as("b", "")
	without, with := b.Caller, f.as("b", "", "red").Caller
	tb := b.expect(0, "")
	b.Caller = with
	got, _ := b.pushes(tb, object{"places+": list{row("p", at(0), "owner", "x", "team", "red", "name", "")}})
	b.same("rejected", got, rejected{})
	b.Caller = without
	b.expect(tb, "places -p")
	b.Caller = with
	b.expect(tb, "places p all")
}

// The same holds if the push changes nothing: the row was stored, and its author does not know it. R6.
func TestAPushOfAStoredRowByOtherClaimsIsTold(t *testing.T) {
	f := newRuled(t)
	b := f.as("b", "")
	without, with := b.Caller, f.as("b", "", "red").Caller
	mine := object{"places+": list{row("p", at(0), "owner", "x", "team", "red", "name", "")}}
	f.as("c", "", "red").pushes(0, mine)
	tb := b.expect(0, "")
	b.Caller = with
	for range 2 {
		got, _ := b.pushes(tb, mine)
		b.same("rejected", got, rejected{})
	}
	b.Caller = without
	b.expect(tb, "places -p")
}

// R4: after the last rule is gone, a pull reads everything once, and measures everything.
func TestWithoutItsLastRuleADatabaseIsReadWhole(t *testing.T) {
	f := newRuled(t)
	a, b := f.as("a", ""), f.as("b", "")
	for i := range 12 {
		a.pushes(0, object{"box+": list{row(fmt.Sprint("g", i), at(0), "owner", "a", "name", strings.Repeat("x", 800_000))}})
	}
	tb := b.expect(0, "")
	free := guarded()
	for i := range free.Tables {
		free.Tables[i].Read, free.Tables[i].Write = nil, nil
	}
	f.Watermelon = newDialect(f.db, free, watermelon.DefaultLimits())
	if _, _, err := b.Pull(t.Context(), b.Caller, b.json(object{"lastPulledAt": tb}), store.Budget{}); err != nil {
		t.Error(err)
	}
}

// A rule of MaxTerms columns takes as many arguments of json_object as D1 allows.
func TestARuleMayHaveSoManyTerms(t *testing.T) {
	table := record.Table{Name: "wide", SQL: "wide", ID: "id"}
	var terms []string
	for i := range record.MaxTerms {
		name := fmt.Sprintf("c%d", i)
		table.Columns = append(table.Columns, record.Column{Name: name, SQL: name})
		terms = append(terms, name+" = sub")
	}
	var err error
	if table.Read, err = record.ParseRule(strings.Join(terms, " or ")); err != nil {
		t.Fatal(err)
	}
	table.Write = table.Read
	s := record.Schema{Version: 1, Tables: []record.Table{table}}
	f := newFixture(t)
	if _, err := f.db.Batch(t.Context(), createTables(s)); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, s, watermelon.DefaultLimits())
	a := (&ruled{f}).as("a", "")
	a.pushes(0, object{"wide+": list{object{"id": "x", "c0": "a"}}})
}

// P2: pages with a migration bring, of the tables that it does not name, what changed.
func TestPagesOfAMigrationBringNoIDTwice(t *testing.T) {
	s := guarded()
	s.Version = 2
	s.Tables[0].Columns = append(s.Tables[0].Columns, record.Column{Name: "note", SQL: "note", Since: 2})
	f := newFixture(t)
	if _, err := f.db.Batch(t.Context(), createTables(s)); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, s, watermelon.DefaultLimits())
	r := &ruled{f}
	editor, a := r.as("e", "edit"), r.as("a", "")
	editor.pushes(0, object{"catalogue+": list{row("c1", at(0), "title", "x", "rating", 2), row("c2", at(0), "title", "x", "rating", 2)}})
	ta := a.expect(0, "catalogue c1 c2")
	a.pushes(ta, object{"catalogue-": list{"c1"}})
	answer, _, err := a.Pull(t.Context(), a.Caller, a.json(object{"lastPulledAt": ta, "limit": 10, "schemaVersion": 2,
		"migration": object{"from": 1, "tables": list{}, "columns": list{object{"table": "visits", "columns": list{"note"}}}}}), store.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(answer.Bytes()), `"id":"c1"`); n != 1 {
		t.Errorf("c1 is there %d times: %s", n, answer.Bytes())
	}
	if strings.Contains(string(answer.Bytes()), `"id":"c2"`) {
		t.Errorf("c2 did not change: %s", answer.Bytes())
	}
}

// R4: the first thing of a caller under new rules is a push that changes nothing. An earlier pull may
// have had the stamp of the clock, so the clock moves before the claims are noted.
func TestAPushThatChangesNothingNotesNoStampOfBefore(t *testing.T) {
	f := newRuled(t)
	free := guarded()
	for i := range free.Tables {
		free.Tables[i].Read, free.Tables[i].Write = nil, nil
	}
	f.Watermelon = newDialect(f.db, free, watermelon.DefaultLimits())
	a, b := f.as("a", ""), f.as("b", "")
	a.pushes(0, object{"visits+": list{row("v", at(0), "owner", "a")}})
	mine := object{"visits+": list{row("w", at(0), "owner", "b")}}
	b.pushes(0, mine)
	tb := b.expect(0, "visits v w")
	f.Watermelon = newDialect(f.db, guarded(), watermelon.DefaultLimits())
	b.pushes(1, mine) // comes again, late
	b.expect(tb, "visits w all")
}

// K4: a push that was rejected is repeated when the rules would allow it.
func TestARejectedPushIsRejectedAgain(t *testing.T) {
	late := object{"places*": list{row("p", at(900), "owner", "a", "team", "red", "name", "of b")}}
	compared := object{"places*": late["places*"], "catalogue-": list{"none"}} // catalogue- is rejected: no simple batch
	moves := func(a *person, team string, when int64) {
		_, ta := a.pulls(0)
		a.after(1)
		if got, _ := a.pushes(ta, object{"places*": list{row("p", at(when), "owner", "a", "team", team, "name", "of a")}}); len(got) > 0 {
			t.Fatal(got)
		}
	}
	again := func(t *testing.T, b *person, tb stamp, changes object) {
		got, done := b.pushes(tb, changes)
		b.same("rejected again", got.ids("places"), []string{"p"})
		b.same("updated", done.Applied["places"].Updated, 0)
	}
	begin := func(t *testing.T, team string) (a, b *person, tb stamp) {
		f := newRuled(t)
		a, b = f.as("a", "", "red", "blue"), f.as("b", "", "red")
		a.pushes(0, object{"places+": list{row("p", at(0), "owner", "a", "team", team, "name", "x")}})
		_, tb = b.pulls(0)
		return a, b, tb
	}
	t.Run("the simple path does not ask Told", func(t *testing.T) {
		a, b, tb := begin(t, "blue")
		b.pushes(tb, late)
		moves(a, "red", 20)
		again(t, b, tb, late)
	})
	t.Run("the next pull brings the row anyway, so nothing is noted", func(t *testing.T) {
		a, b, tb := begin(t, "red")
		moves(a, "blue", 1)
		got, _ := b.pushes(tb, compared)
		b.same("rejected", got.ids("places"), []string{"p"})
		moves(a, "red", 20)
		again(t, b, tb, compared)
	})
	t.Run("the same row was rejected with an earlier base in between", func(t *testing.T) {
		a, b, tb := begin(t, "blue")
		a.after(1)
		b.pushes(tb, object{"visits+": list{row("v", at(0), "owner", "b", "rating", 1)}})
		_, then := b.pulls(tb)
		b.pushes(then, late)
		b.pushes(tb, late)
		moves(a, "red", 20)
		again(t, b, then, late)
	})
	t.Run("a later rejection of the same id replaces what was noted", func(t *testing.T) {
		a, b, tb := begin(t, "blue")
		b.pushes(tb, compared)
		_, then := b.pulls(tb)
		b.pushes(then, object{"places*": list{row("p", at(901), "owner", "a", "team", "red", "name", "two")}})
		moves(a, "red", 20)
		again(t, b, tb, compared)
	})
}

// K4: also if the stored time is not the claimed one.
func TestWhoGivesARowAwayMayRepeatIt(t *testing.T) {
	f := newRuled(t)
	a := f.as("a", "")
	ta := a.expect(0, "")
	for i := range 2 { // a clock that is ahead
		got, _ := a.pushes(ta, object{"box+": list{row("g", at(3_600_000), "owner", "b", "name", "x")}})
		f.same(fmt.Sprint("a clock that is ahead, time ", i), got, rejected{})
	}
	a.pushes(ta, object{"box+": list{row("h", at(0), "owner", "a", "name", "x")}})
	_, ta = a.pulls(ta)
	f.after(10)
	for i := range 2 { // an app that does not touch updated_at
		got, _ := a.pushes(ta, object{"box*": list{row("h", at(0), "owner", "b", "name", "x")}})
		f.same(fmt.Sprint("updated_at is not touched, time ", i), got, rejected{})
	}
}

// R4: a caller who pushed first gets what the rules hid when the rules are gone.
func TestADatabaseKnowsThatItHadRules(t *testing.T) {
	f := newRuled(t)
	a := f.as("a", "")
	a.pushes(0, object{"box+": list{row("g", at(0), "owner", "b", "name", "x"), row("h", at(0), "owner", "a", "name", "x")}})
	ta := a.expect(0, "box h")
	free := guarded()
	for i := range free.Tables {
		free.Tables[i].Read, free.Tables[i].Write = nil, nil
	}
	f.Watermelon = newDialect(f.db, free, watermelon.DefaultLimits())
	a.expect(ta, "box g h all")
}

// The text of a chunk stays below the bound of a parameter.
func TestARejectedRowLeavesNothingInTheNext(t *testing.T) {
	s := guarded()
	ten := 10.0
	s.Tables[1].Columns[0].Check.Max = &ten
	f := newFixture(t)
	if _, err := f.db.Batch(t.Context(), createTables(s)); err != nil {
		t.Fatal(err)
	}
	f.Watermelon = newDialect(f.db, s, watermelon.DefaultLimits())
	a := (&ruled{f}).as("a", "")
	y := strings.Repeat("y", 700_000)
	_, _, err := a.Push(t.Context(), a.now, a.Caller, a.json(object{"lastPulledAt": 0, "changes": tablesOf(object{"places+": list{
		row("r1", at(0), "owner", "a", "team", y, "name", ""), row("r2", at(0), "owner", "a", "team", y, "name", ""),
		row("r3", at(0), "owner", "too long for it", "name", strings.Repeat("z", 800_000)), object{"id": "r4", "owner": "a"}}})}))
	if err != nil {
		t.Errorf("%.200v", err)
	}
}

// K2: a push of many rejected rows looks up each by its id.
func TestManyRejectionsReadNothingOfOthers(t *testing.T) {
	f := newRuled(t)
	s := f.Records.(*Store)
	w := &s.writing[0]
	for name, sql := range map[string]string{"tellRows": w.tellRows, "tellIDs": w.tellIDs, "tellEvery": w.tellEvery} {
		if plan := f.plan(sql); strings.Contains(plan, "SEARCH f USING COVERING INDEX ToldByStamp (tab=? AND stamp>?)") {
			t.Errorf("%s reads all of Told since the base for each row", name)
		}
	}
	a := f.as("a", "")
	rows := list{}
	for i := range 8_000 {
		rows = append(rows, object{"id": fmt.Sprintf("%0128d", i), "owner": "a", "rating": 9})
	}
	input := a.json(object{"lastPulledAt": 1, "changes": tablesOf(object{"visits+": rows})})
	for range 2 {
		if _, _, err := a.Push(t.Context(), a.now, a.Caller, input); err != nil {
			t.Fatal(err)
		}
	}
}
