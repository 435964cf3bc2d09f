package inspect

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// An As asks which rows of a table the bearer of a token would pull, and may write. X9.
type As struct {
	Claims []byte // JSON: the payload of the token
	Table  int
	ID     string // of the one row; "": a page of all
	Limit  int
	After  string
}

// maxDepth is how deep the body may nest.
const maxDepth = 32

// DecodeAs reads {"claims","table","id"} or {"claims","table","after","limit"}.
func DecodeAs(schema *record.Schema, body []byte) (*As, error) {
	members, err := ijson.Members(body, maxDepth)
	if err != nil {
		return nil, fail("the body must be a JSON object: %s", err)
	}
	if err := Known("member", slices.Collect(maps.Keys(members)), "claims", "table", "id", "after", "limit"); err != nil {
		return nil, err
	}
	text := func(name string) (s string, err error) {
		if raw := members[name]; raw != nil && string(raw) != "null" {
			if s, err = ijson.Text(raw); err != nil {
				err = fail("%s must be a string", name)
			}
		}
		return s, err
	}
	as := &As{Claims: members["claims"], Limit: DefaultLimit}
	if ijson.NewScanner(as.Claims, 1).Kind() != ijson.Object {
		return nil, fail("claims must be an object, the payload of a token")
	}
	table, err := text("table")
	if err == nil {
		as.Table, err = FindTable(schema, table)
	}
	if err == nil {
		as.ID, err = text("id")
	}
	if err == nil {
		as.After, err = text("after")
	}
	if err != nil {
		return nil, err
	}
	limit := members["limit"]
	if limit != nil {
		if as.Limit, err = strconv.Atoi(string(limit)); err != nil {
			as.Limit = 0
		}
	}
	if members["id"] == nil {
		return as, nil
	}
	if as.After != "" || limit != nil {
		return nil, fail("id asks for one row: after and limit do not go with it")
	}
	_, err = watermelon.FindRow(schema, table, as.ID)
	return as, err
}

// Listing is the page of the rows that the caller may or may not read.
func (a *As) Listing(caller *record.Caller) (*record.Listing, error) {
	l := &record.Listing{Table: a.Table, Limit: a.Limit, As: caller}
	if a.ID != "" {
		l.Limit, l.Deleted, l.Filter = 1, record.WithDeleted, record.Filter{Column: "id", Is: record.Equal, Value: a.ID}
	}
	return l, Turn(l, a.After)
}

// An Entry is what a token with the claims may do in the root, or in the space.
type Entry struct {
	Subject, Scope string
	Enters, Writes bool     // the token pulls, and pushes
	Why            []string // it does not
}

// Answer returns the answer to As. caller is the one of the page.
func (a *As) Answer(t *record.Table, e *Entry, caller *record.Caller, page *record.Listed) []byte {
	var rows [][]byte
	for i := range page.Rows {
		rows = append(rows, asked(t, e, caller, &page.Rows[i]))
	}
	next := page.Next
	if a.ID != "" {
		next = nil
		if rows == nil {
			rows = append(rows, withoutRow(a.ID, "the server has no row with this id"))
		}
	}
	return fmt.Appendf(nil, `{"caller":{"subject":%s,"scope":%s,"enters":%t,"why":%s},"read":%s,"write":%s,"rows":[%s],"next":%s}`,
		quoted(e.Subject), quoted(e.Scope), e.Enters, texts(e.Why), quoted(t.Read.String()), quoted(t.Write.String()), joined(rows), placeText(next, false))
}

func withoutRow(id, why string) []byte {
	return fmt.Appendf(nil, `{"id":%s,"pulls":false,"writes":false,"row":null,"why":[%s]}`, quoted(id), quoted(why))
}

// asked is what the answer says of one row.
func asked(t *record.Table, e *Entry, caller *record.Caller, r *record.ListedRow) []byte {
	if r.State != record.Live {
		return withoutRow(r.ID, "the row is deleted: a pull has at most its id")
	}
	compared, _ := ijson.Elements(r.Values)
	value := func(column string) (string, bool) {
		if column == "id" {
			return r.ID, true
		}
		n := slices.Index(t.RuleColumns(), column)
		if n < 0 || n >= len(compared) {
			return "", false
		}
		text, err := ijson.Text(compared[n])
		return text, err == nil
	}
	why := ""
	if !r.Reads {
		why = fmt.Sprintf(`,"why":%s`, texts(t.Read.Explain(*caller, value)))
	}
	if !r.Writes {
		why += fmt.Sprintf(`,"write_why":%s`, texts(t.Write.Explain(*caller, value)))
	}
	return fmt.Appendf(nil, `{"id":%s,"pulls":%t,"writes":%t,"row":%s%s}`, quoted(r.ID), e.Enters && r.Reads, e.Writes && r.Reads && r.Writes, r.Row, why)
}

// texts are texts as a JSON array.
func texts(list []string) []byte {
	var quotes [][]byte
	for _, text := range list {
		quotes = append(quotes, quoted(text))
	}
	return fmt.Appendf(nil, "[%s]", joined(quotes))
}
