package inspect

import (
	"maps"
	"slices"
	"strconv"

	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
)

// An As asks which rows of a table the bearer of a token would pull, and may write. X7.
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

// AppendAs appends the answer to As. caller is the one of the page.
func AppendAs(b []byte, t *record.Table, a *As, e *Entry, caller *record.Caller, page *record.Listed) []byte {
	b = ijson.AppendString(append(b, `{"caller":{"subject":`...), e.Subject)
	b = ijson.AppendString(append(b, `,"scope":`...), e.Scope)
	b = strconv.AppendBool(append(b, `,"enters":`...), e.Enters)
	b = appendTexts(append(b, `,"why":`...), e.Why)
	b = ijson.AppendString(append(b, `},"read":`...), t.Read.String())
	b = ijson.AppendString(append(b, `,"write":`...), t.Write.String())
	b = append(b, `,"rows":[`...)
	for i := range page.Rows {
		b = appendAsRow(comma(b, i), t, e, caller, &page.Rows[i])
	}
	if a.ID != "" && len(page.Rows) == 0 {
		b = ijson.AppendString(append(b, `{"id":`...), a.ID)
		b = append(b, `,"pulls":false,"writes":false,"row":null,"why":["the server has no row with this id"]}`...)
	}
	next := page.Next
	if a.ID != "" {
		next = nil
	}
	return append(appendPlace(append(b, `],"next":`...), next, false), '}')
}

func appendAsRow(b []byte, t *record.Table, e *Entry, caller *record.Caller, r *record.ListedRow) []byte {
	live := r.State == record.Live
	b = ijson.AppendString(append(b, `{"id":`...), r.ID)
	b = strconv.AppendBool(append(b, `,"pulls":`...), live && e.Enters && r.Reads)
	b = strconv.AppendBool(append(b, `,"writes":`...), live && e.Writes && r.Reads && r.Writes)
	if !live {
		return append(b, `,"row":null,"why":["the row is deleted: a pull has at most its id"]}`...)
	}
	b = append(append(b, `,"row":`...), r.Row...)
	compared, _ := ijson.Elements(r.Values)
	value := func(column string) (string, bool) {
		if column == "id" {
			return r.ID, true
		}
		for i, name := range t.RuleColumns() {
			if name == column && i < len(compared) {
				text, err := ijson.Text(compared[i])
				return text, err == nil
			}
		}
		return "", false
	}
	if !r.Reads {
		b = appendTexts(append(b, `,"why":`...), t.Read.Explain(*caller, value))
	}
	if !r.Writes {
		b = appendTexts(append(b, `,"write_why":`...), t.Write.Explain(*caller, value))
	}
	return append(b, '}')
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		b = ijson.AppendString(comma(b, i), text)
	}
	return append(b, ']')
}
