//go:build !js

package histories

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkFor limits the search for an order. To find one takes a second at most. To prove that
// there is none may take for ever.
const checkFor = 2 * time.Minute

// in returns an operation of a client from a time to a time. never is the end of one without
// a response.
func in(client int, from, to int64, input, output any) porcupine.Operation {
	return porcupine.Operation{ClientId: client, Call: from, Return: to, Input: input, Output: output}
}

const never = 1 << 40

var (
	taken  = RowOut{Known: true}
	lost   = RowOut{Known: true, Lost: true}
	unsure = RowOut{}
)

func pulled(value string) RowOut { return RowOut{Known: true, Value: value} }

func version(v int64, name string) VersionOut { return VersionOut{Known: true, Version: v, Name: name} }

func TestAModelTellsAGoodHistoryFromABadOne(t *testing.T) {
	push := func(value, base string) RowIn { return RowIn{ID: "r", Value: value, Base: base} }
	pull := RowIn{ID: "r"}
	deed := func(d Deed, name string) VersionIn { return VersionIn{ID: "t", Deed: d, Name: name} }
	upload := VersionIn{ID: "t", Deed: Upload, Name: "b", Batch: "1"}
	issued, try := in(0, 1, 2, TicketIn{Ticket: "a", Issue: true}, TicketOut{Known: true}), TicketIn{Ticket: "a"}
	for _, c := range []struct {
		name  string
		model *Model
		want  porcupine.CheckResult
		ops   []porcupine.Operation
	}{
		{"marks go up", Stamps, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, StampIn{Changes: true}, int64(5)), in(1, 3, 4, StampIn{}, int64(5)), in(0, 5, 6, StampIn{Clock: "p"}, int64(1))}},
		{"a mark goes back", Stamps, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, StampIn{}, int64(5)), in(1, 3, 4, StampIn{}, int64(4))}},
		{"a mark is lower, but both were asked for at once", Stamps, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 4, StampIn{}, int64(5)), in(1, 2, 3, StampIn{}, int64(4))}},
		{"two changes have one stamp", Stamps, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 4, StampIn{Changes: true}, int64(5)), in(1, 2, 3, StampIn{Changes: true}, int64(5))}},
		{"an old stamp is served as new after a restore", Stamps, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, StampIn{}, int64(5)), in(0, 3, 4, Restored, int64(9)), in(1, 5, 6, StampIn{}, int64(5))}},
		{"a restore goes beyond", Stamps, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, StampIn{}, int64(5)), in(0, 3, 4, Restored, int64(9)), in(1, 5, 6, StampIn{}, int64(9))}},

		{"who pulled before the floor begins again", Floor, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, Restored, int64(9)), in(1, 3, 4, FloorIn{Since: 5}, true), in(1, 3, 4, FloorIn{Since: 5, Push: true}, true),
			in(1, 5, 6, FloorIn{Since: 0}, false), in(1, 7, 8, FloorIn{Since: 9, Push: true}, false)}},
		{"a push from before the floor is taken", Floor, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, Restored, int64(9)), in(1, 3, 4, FloorIn{Since: 5, Push: true}, false)}},
		{"a pull from before the floor gets changes only", Floor, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, Restored, int64(9)), in(1, 3, 4, FloorIn{Since: 5}, false)}},
		{"a push is refused for no reason", Floor, porcupine.Illegal, []porcupine.Operation{
			in(1, 3, 4, FloorIn{Since: 5, Push: true}, true)}},
		{"a second floor is lower", Floor, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, Restored, int64(9)), in(0, 3, 4, Restored, int64(8))}},

		{"a push is seen", Rows, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, pull, pulled("a"))}},
		{"a push is not seen", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, pull, pulled(""))}},
		{"a push that got no answer is not seen", Rows, porcupine.Ok, []porcupine.Operation{
			in(0, 1, never, push("a", ""), unsure), in(1, 3, 4, pull, pulled(""))}},
		{"a push that got no answer is seen, and then is not", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, never, push("a", ""), unsure), in(1, 3, 4, pull, pulled("a")), in(1, 5, 6, pull, pulled(""))}},
		{"a push that comes again changes nothing", Rows, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, push("b", "a"), taken),
			in(0, 5, 6, push("a", ""), lost), in(1, 7, 8, pull, pulled("b"))}},
		{"a push that comes again wins again", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, push("b", "a"), taken),
			in(0, 5, 6, push("a", ""), taken), in(1, 7, 8, pull, pulled("a"))}},
		{"a push loses to what its author had not seen", Rows, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, push("b", ""), lost), in(1, 5, 6, pull, pulled("a"))}},
		{"a push loses to what its author had pulled", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, push("b", "a"), lost), in(1, 5, 6, pull, pulled("a"))}},
		{"a push is lost, and nobody was told", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, push("b", ""), taken), in(1, 5, 6, pull, pulled("a"))}},
		{"a deleted row lives", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(1, 3, 4, RowIn{ID: "r", Delete: true}, taken), in(0, 5, 6, push("b", "a"), taken)}},
		{"a restore brings the copy back", Rows, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(9, 3, 4, Saved, int64(0)), in(0, 5, 6, push("b", "a"), taken),
			in(9, 7, 8, Restored, int64(9)), in(0, 9, 10, pull, pulled("a")),
			in(0, 11, 12, RowIn{ID: "r", Value: "c", Base: "a", Since: 9}, taken), in(0, 13, 14, pull, pulled("c"))}},
		{"a push from before a restore is done after it", Rows, porcupine.Illegal, []porcupine.Operation{
			in(9, 1, 2, Restored, int64(9)), in(0, 3, never, push("a", ""), unsure), in(0, 5, 6, pull, pulled("a"))}},
		{"a row outlives a restore", Rows, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, push("a", ""), taken), in(9, 3, 4, Saved, int64(0)), in(0, 5, 6, push("b", "a"), taken),
			in(9, 7, 8, Restored, int64(9)), in(0, 9, 10, pull, pulled("b"))}},

		{"each change counts", Versions, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")), in(0, 3, 4, deed(Create, "a"), version(1, "a")),
			in(0, 5, 8, deed(Patch, "x"), version(3, "x")), in(1, 5, 8, deed(Patch, "y"), version(2, "y")),
			in(1, 9, 10, deed(Read, ""), version(3, "x"))}},
		{"two changes have one version", Versions, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")),
			in(0, 5, 8, deed(Patch, "x"), version(2, "x")), in(1, 5, 8, deed(Patch, "y"), version(2, "y"))}},
		{"a change counts twice", Versions, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")), in(0, 3, 4, deed(Patch, "x"), version(3, "x"))}},
		{"a delta misses a change", Versions, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")), in(0, 3, 4, deed(Patch, "x"), version(2, "x")),
			in(1, 5, 6, deed(Read, ""), version(1, "a"))}},
		{"a batch counts once", Versions, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")), in(0, 3, never, upload, VersionOut{}),
			in(0, 5, 6, upload, version(2, "")), in(1, 7, 8, deed(Read, ""), version(2, "b"))}},
		{"a batch counts twice", Versions, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")), in(0, 3, 4, upload, version(2, "")),
			in(0, 5, 6, upload, version(2, "")), in(1, 7, 8, deed(Read, ""), version(3, "b"))}},
		{"a change on an old version is taken", Versions, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")), in(0, 3, 4, deed(Patch, "x"), version(2, "x")),
			in(1, 5, 6, VersionIn{ID: "t", Deed: Patch, Name: "y", Base: 1}, version(3, "y"))}},
		{"a deleted task comes back", Versions, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, deed(Create, "a"), version(1, "a")),
			in(0, 3, 4, VersionIn{ID: "t", Deed: Remove, Batch: "2"}, version(2, "")), in(1, 5, 6, deed(Read, ""), version(2, ""))}},

		{"a batch is answered the same", Batches, porcupine.Ok, []porcupine.Operation{
			in(0, 1, 2, BatchIn("1"), "a"), in(0, 3, 4, BatchIn("1"), "a"), in(0, 5, 6, BatchIn("2"), "b")}},
		{"a batch is answered anew", Batches, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, BatchIn("1"), "a"), in(0, 3, 4, BatchIn("1"), "b")}},
		{"a batch is done again after a restore that forgot it", Batches, porcupine.Ok, []porcupine.Operation{
			in(9, 1, 2, Saved, int64(0)), in(0, 3, 4, BatchIn("1"), "a"), in(9, 5, 6, Restored, int64(9)), in(0, 7, 8, BatchIn("1"), "b")}},
		{"a restore forgets a batch that the copy holds", Batches, porcupine.Illegal, []porcupine.Operation{
			in(0, 1, 2, BatchIn("1"), "a"), in(9, 3, 4, Saved, int64(0)), in(9, 5, 6, Restored, int64(9)), in(0, 7, 8, BatchIn("1"), "b")}},

		{"one of two gets in", Tickets, porcupine.Ok, []porcupine.Operation{
			issued, in(0, 3, 6, try, TicketOut{true, true}), in(1, 4, 5, try, TicketOut{true, false})}},
		{"both get in", Tickets, porcupine.Illegal, []porcupine.Operation{
			issued, in(0, 3, 6, try, TicketOut{true, true}), in(1, 4, 5, try, TicketOut{true, true})}},
		{"a fresh ticket is refused", Tickets, porcupine.Illegal, []porcupine.Operation{
			issued, in(0, 3, 6, try, TicketOut{true, false})}},
		{"a ticket is refused that may have ended", Tickets, porcupine.Ok, []porcupine.Operation{
			issued, in(0, 3, 6, TicketIn{Ticket: "a", Late: true}, TicketOut{true, false})}},
		{"nobody knows who had it", Tickets, porcupine.Ok, []porcupine.Operation{
			issued, in(0, 3, never, try, TicketOut{}), in(1, 4, 5, try, TicketOut{true, false})}},
		{"a ticket of after a restore is good", Tickets, porcupine.Ok, []porcupine.Operation{
			in(9, -9, -8, Saved, int64(0)), in(9, -7, -6, Restored, int64(9)), issued, in(0, 7, 8, try, TicketOut{true, true})}},
		{"a restore makes a used ticket good again", Tickets, porcupine.Illegal, []porcupine.Operation{
			issued, in(9, 3, 4, Saved, int64(0)), in(0, 5, 6, try, TicketOut{true, true}),
			in(9, 7, 8, Restored, int64(9)), in(0, 9, 10, try, TicketOut{true, true})}},
	} {
		t.Run(c.model.Name+"/"+c.name, func(t *testing.T) {
			if got, _ := porcupine.CheckOperationsVerbose(c.model.Model, c.ops, checkFor); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAHistoryEndsWithWhatNobodyKnows(t *testing.T) {
	h := NewHistory()
	lost := h.Begin(0)
	h.End(lost, Rows, false, RowIn{ID: "r", Value: "a"}, RowOut{})
	open := h.End(h.Begin(1), Rows, false, RowIn{ID: "r", Value: "b"}, RowOut{})
	h.Settle([]Open{open})
	h.End(h.Begin(1), Rows, true, RowIn{ID: "r"}, RowOut{Known: true})
	h.Happen(h.Begin(2), Restored, 7)
	ops := h.Of(Rows)
	if len(ops) != 4 || ops[0].Return <= ops[3].Return || ops[1].Return > ops[2].Call || len(h.Of(Floor)) != 1 {
		t.Errorf("got %+v", ops)
	}
}
