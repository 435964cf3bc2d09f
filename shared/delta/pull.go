package delta

import (
	"net/url"
	"slices"
	"strconv"

	"tidemark/shared/project"
)

// The number of rows in a page. docs/protocol.md, Projects 1.
const (
	DefaultPageRows = 1000
	MaxPageRows     = 5000
)

// A Pull is the parameters of a pull.
type Pull struct {
	Project  string
	Since    project.Seq
	PageRows int
	Final    bool    // a removed member asks for every id, to delete its copy
	After    *Cursor // nil on the first page
}

// PullParameters are the names of the parameters that a pull reads.
var PullParameters = []string{"since", "cursor", "page_size", "final"}

// ParsePull reads the parameters of a pull of that project. Others than its
// own are ignored. Its error is a *project.InputError.
func ParsePull(id string, query url.Values) (Pull, error) {
	p := Pull{Project: id, PageRows: DefaultPageRows}
	if err := once(query, PullParameters); err != nil {
		return p, err
	}
	if query.Has("since") {
		since, ok := whole(query.Get("since"), int64(project.MaxSeq)-1)
		if !ok {
			return p, project.Refuse("since", "must be a whole number, not negative")
		}
		p.Since = project.Seq(since)
	}
	rows, err := ParsePageSize(query)
	if err != nil {
		return p, err
	}
	p.PageRows = rows
	switch {
	case query.Get("final") == "1":
		p.Final = true
	case query.Has("final"):
		return p, project.Refuse("final", "must be 1")
	}
	if !query.Has("cursor") {
		return p, nil
	}
	c, err := ParseCursor(query.Get("cursor"))
	switch {
	case err != nil:
		return p, project.Refuse("cursor", "is not a next_cursor of a page before")
	case c.Project != id:
		return p, project.Refuse("cursor", "is of another project")
	case c.Since != p.Since:
		return p, project.Refuse("since", "must be the same on every page")
	case p.Final:
		return p, project.Refuse("final", "has only one page: leave out cursor and limit")
	}
	p.After = &c
	return p, nil
}

// ParsePageSize reads page_size. Its error is a *project.InputError.
func ParsePageSize(query url.Values) (int, error) {
	if !query.Has("page_size") {
		return DefaultPageRows, nil
	}
	n, ok := whole(query.Get("page_size"), MaxPageRows)
	if !ok || n == 0 {
		return 0, project.Refuse("page_size", "must be from 1 to %d", MaxPageRows)
	}
	return int(n), nil
}

// once rejects a parameter that is given twice.
func once(query url.Values, names []string) error {
	for name, values := range query {
		if len(values) > 1 && slices.Contains(names, name) {
			return project.Refuse(name, "is there %d times", len(values))
		}
	}
	return nil
}

// whole reads a whole number in plain digits.
func whole(s string, most int64) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= most && s[0] != '+' && s[0] != '-'
}
