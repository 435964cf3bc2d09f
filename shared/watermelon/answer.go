package watermelon

import (
	"slices"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
)

// AppendPushed appends the answer to the push p:
//
//	{"timestamp":…,"applied":{table:{"created":n,"updated":n,"deleted":n}},"superseded":{table:[ids]},"ignored":{table:[columns]},
//	"rejected":{table:[{"id":…[,"column":…],"reason":…}]}}
func AppendPushed(b []byte, schema *record.Schema, p *Push, done record.Outcome) []byte {
	b = strconv.AppendInt(append(b, `{"timestamp":`...), int64(done.Stamp), 10)
	b = append(b, `,"applied":{`...)
	first := len(b)
	for i := range done.Tables {
		if p.Tables[i].RowCount+p.Tables[i].DeletedCount+len(p.Tables[i].Rejected) == 0 {
			continue
		}
		b = appendName(b, first, schema.Tables[i].Name)
		b = strconv.AppendInt(append(b, `{"created":`...), int64(done.Tables[i].Created), 10)
		b = strconv.AppendInt(append(b, `,"updated":`...), int64(done.Tables[i].Updated), 10)
		b = strconv.AppendInt(append(b, `,"deleted":`...), int64(done.Tables[i].Deleted), 10)
		b = append(b, '}')
	}
	b = append(b, `},"superseded":{`...)
	first = len(b)
	for i := range done.Tables {
		b = appendList(b, first, schema.Tables[i].Name, done.Tables[i].Superseded)
	}
	b = append(b, `},"ignored":{`...)
	first = len(b)
	for i := range p.Ignored {
		b = appendList(b, first, schema.Tables[i].Name, p.Ignored[i])
	}
	b = append(b, `},"rejected":{`...)
	b = slices.Grow(b, rejectedBytes(done)) // there may be as many as rows
	first = len(b)
	for i := range done.Tables {
		b = appendRejected(b, first, schema.Tables[i].Name, done.Tables[i].Rejected)
	}
	return append(b, "}}"...)
}

// rejectedBytes is about how many octets the rejections take.
func rejectedBytes(done record.Outcome) (n int) {
	for i := range done.Tables {
		for _, r := range done.Tables[i].Rejected {
			n += len(r.ID) + len(r.Column) + len(r.Reason) + len(`{"id":"","column":"","reason":""},`)
		}
	}
	return n
}

// appendRejected appends the member name:[rejections], unless there are none.
func appendRejected(b []byte, first int, name string, list []record.Rejection) []byte {
	for i, r := range list {
		if i == 0 {
			b = append(appendName(b, first, name), '[')
		} else {
			b = append(b, ',')
		}
		b = ijson.AppendString(append(b, `{"id":`...), r.ID)
		if r.Column != "" {
			b = ijson.AppendString(append(b, `,"column":`...), r.Column)
		}
		b = append(ijson.AppendString(append(b, `,"reason":`...), r.Reason), '}')
	}
	if len(list) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendName appends the name of a member of the object whose first member stands
// at first.
func appendName(b []byte, first int, name string) []byte {
	if len(b) > first {
		b = append(b, ',')
	}
	return append(ijson.AppendString(b, name), ':')
}

// appendList appends the member name:[list], unless the list is empty.
func appendList(b []byte, first int, name string, list []string) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(appendName(b, first, name), '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = ijson.AppendString(b, s)
	}
	return append(b, ']')
}

// gatherBytes is how much text of an answer is gathered before a piece goes out.
const gatherBytes = 64 << 10

// Answer returns the answer to the pull p:
//
//	{"changes":{table:{"created":[],"updated":[rows],"deleted":[ids]}},"timestamp":…[,"experimentalStrategy":"replacement"][,"cursor":"…"]}
//
// The cursor asks for the next page.
func (p *Pull) Answer(page *record.Page) ijson.Pieces {
	return func(yield func([]byte) bool) {
		b := append(make([]byte, 0, 512), `{"changes":{`...)
		gather := func(pieces ijson.Pieces) (ok bool) {
			ok = true
			if pieces == nil {
				return ok
			}
			pieces(func(piece []byte) bool {
				if len(b)+len(piece) <= gatherBytes {
					b = append(b, piece...)
					return true
				}
				ok = yield(b) && yield(piece)
				b = b[:0]
				return ok
			})
			return ok
		}
		for i := range page.Tables {
			t := &page.Tables[i]
			if i > 0 {
				b = append(b, ',')
			}
			b = append(ijson.AppendString(b, t.Name), `:{"created":[],"updated":[`...)
			if !gather(t.Rows) {
				return
			}
			b = append(b, `],"deleted":[`...)
			if !gather(t.Deleted) {
				return
			}
			b = append(b, "]}"...)
		}
		b = strconv.AppendInt(append(b, `},"timestamp":`...), int64(page.Stamp), 10)
		if page.Replacement {
			b = append(b, `,"experimentalStrategy":"replacement"`...)
		}
		if page.Next != nil {
			b = append(b, `,"cursor":"`...)
			b = append(appendCursor(b, page.Next, p.signature), '"')
		}
		yield(append(b, '}'))
	}
}

// AppendChecksum appends {"timestamp":…,"tables":{table:{"count":n,"checksum":"…"}}}.
func AppendChecksum(b []byte, sums record.Sums) []byte {
	b = strconv.AppendInt(append(b, `{"timestamp":`...), int64(sums.Stamp), 10)
	b = append(b, `,"tables":{`...)
	first := len(b)
	for _, t := range sums.Tables {
		b = strconv.AppendInt(append(appendName(b, first, t.Name), `{"count":`...), int64(t.Count), 10)
		b = append(append(append(b, `,"checksum":"`...), t.Sum...), `"}`...)
	}
	return append(b, "}}"...)
}

// FindRow returns the index of the table. It returns an *InputError if the schema has no such table, or the id is invalid.
func FindRow(schema *record.Schema, table, id string) (int, error) {
	n := schema.Table(table)
	switch {
	case n < 0:
		return n, &InputError{Reason: "unknown table " + strconv.Quote(clip([]byte(table)))}
	case !record.ValidID(id, maxIDBytes):
		return n, &InputError{Table: table, Reason: invalidID}
	}
	return n, nil
}

// AppendStored appends what the server has of a row. The members stamp, ahead and row are null if there is none.
// docs/protocol.md, E1.
func AppendStored(b []byte, s record.Stored) []byte {
	b = strconv.AppendInt(append(b, `{"timestamp":`...), int64(s.Now), 10)
	b = strconv.AppendInt(append(b, `,"horizon":`...), int64(s.Horizon), 10)
	b = strconv.AppendInt(append(b, `,"floor":`...), int64(s.Floor), 10)
	b = append(append(append(b, `,"state":"`...), s.State.String()...), `","stamp":`...)
	b = append(appendPositive(b, int64(s.Stamp)), `,"ahead":`...)
	b = append(appendPositive(b, s.Ahead), `,"row":`...)
	if s.Row == nil {
		return append(b, "null}"...)
	}
	return append(append(b, s.Row...), '}')
}

// appendPositive appends a number, or null for 0.
func appendPositive(b []byte, n int64) []byte {
	if n == 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, n, 10)
}
