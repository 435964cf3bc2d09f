//go:build !js

package records

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/inspect"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// An interruptedDB calls before once, before the batch of an edit that writes.
type interruptedDB struct {
	store.DB
	before func()
}

func (d *interruptedDB) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	if before := d.before; before != nil && strings.HasPrefix(statements[len(statements)-1].SQL, "UPDATE Clock ") {
		d.before = nil
		before()
	}
	return d.DB.Batch(ctx, statements)
}

// X5: a push between the look at the row and the write changes a value that the row had already, and that the edit names.
func TestAnEditSetsEachOfItsValues(t *testing.T) {
	f := newRuled(t)
	ann := f.as("ann", "")
	_, done := ann.pushes(1, object{"places+": list{row("p", at(0), "owner", "ann", "team", "red", "name", "x")}})
	f.after(time.Second)
	db := &interruptedDB{f.db, func() {
		ann.pushes(done.Timestamp, object{"places*": list{row("p", at(10), "owner", "ann", "team", "blue", "name", "x")}})
	}}
	f.Records = New(db, NewStatements(guarded(), watermelon.DefaultLimits().PullBytes))
	change := &inspect.Change{Table: "places", ID: "p", Set: ijson.Pairs{
		{Name: []byte("team"), Value: []byte(`"red"`)}, {Name: []byte("name"), Value: []byte(`"y"`)},
	}}
	answer, _, _, err := f.Change(t.Context(), f.now, change, store.Budget{})
	if err != nil || db.before != nil {
		t.Fatalf("%v, interrupted %t", err, db.before == nil)
	}
	var got struct{ Row object }
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	f.same("the row", list{got.Row["team"], got.Row["name"]}, list{"red", "y"})
}
