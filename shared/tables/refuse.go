package tables

import (
	"fmt"

	"tidemark/shared/record"
)

// Advise returns what apps that have the declaration old would not notice in next: a new table or
// column whose since is a version that they have already. Their databases have no migration to it.
// The Errors have no lines. Nothing is lost by it, and before a first release it is as it should be.
func Advise(old, next *record.Schema) Errors {
	r := refusal{old: old, next: next}
	for i := range next.Tables {
		t := &next.Tables[i]
		n := old.Table(t.Name)
		if n < 0 {
			r.arrival(t.Name, "", max(t.Since, 1))
			continue
		}
		for c := range t.Columns {
			if c := &t.Columns[c]; old.Tables[n].Column(c.Name) < 0 {
				r.arrival(t.Name, c.Name, since(t, c))
			}
		}
	}
	return r.errors
}

// Refuse returns an error if a database of the declaration old must not become one of the
// declaration next: it would lose data. The error is Errors, without lines. Rules and checks may
// change in any way, and so may the default of a column. Both schemas must be valid. A new
// database has the old schema with version 0. D2.
func Refuse(old, next *record.Schema) error {
	r := refusal{old: old, next: next}
	if next.Version < old.Version {
		r.say("", "", "version goes from %d back to %d: apps have the newer one already", old.Version, next.Version)
	}
	for i := range old.Tables {
		before := &old.Tables[i]
		if n := next.Table(before.Name); n < 0 {
			r.say(before.Name, "", "it is gone: its rows would be lost. To keep them from apps write read = \"none\" and write = \"none\"")
		} else {
			r.tables(before, &next.Tables[n])
		}
	}
	if len(r.errors) == 0 {
		return nil
	}
	return r.errors
}

type refusal struct {
	old, next *record.Schema
	errors    Errors
}

func (r *refusal) say(table, column, format string, args ...any) {
	r.errors = append(r.errors, &Error{0, table, column, fmt.Sprintf(format, args...)})
}

func (r *refusal) tables(before, after *record.Table) {
	if before.SQL != after.SQL {
		r.say(before.Name, "", "sql goes from %q to %q: its rows are in the table %[1]s", before.SQL, after.SQL)
	}
	if before.ID != after.ID {
		r.say(before.Name, "", "id goes from %q to %q: its rows have the column %[1]s", before.ID, after.ID)
	}
	if was, is := max(before.Since, 1), max(after.Since, 1); was != is {
		r.say(before.Name, "", "since goes from %d to %d: apps of the versions between would gain or lose the table", was, is)
	}
	for i := range before.Columns {
		was := &before.Columns[i]
		if n := after.Column(was.Name); n < 0 {
			r.say(before.Name, was.Name, "it is gone: its values would be lost, and apps still send it")
		} else {
			r.columns(before, after, was, &after.Columns[n])
		}
	}
}

func (r *refusal) columns(before, after *record.Table, was, is *record.Column) {
	name := was.Name
	if was.SQL != is.SQL {
		r.say(before.Name, name, "sql goes from %q to %q: its values are in the column %[1]s", was.SQL, is.SQL)
	}
	if was.Type != is.Type {
		r.say(before.Name, name, "type goes from %s to %s: the values that are stored would not fit", was.Type, is.Type)
	} else if was.Nullable && !is.Nullable && is.Default == nil {
		r.say(before.Name, name, "it was optional, and rows may have no value: write a default for them")
	}
	if was, is := since(before, was), since(after, is); was != is {
		r.say(before.Name, name, "since goes from %d to %d: apps of the versions between would gain or lose the column", was, is)
	}
}

// arrival says so if a new table or column has a since that apps of the old version know.
func (r *refusal) arrival(table, column string, since record.Version) {
	switch {
	case since > r.old.Version:
	case r.next.Version > r.old.Version:
		r.say(table, column, "it is new: write since = %d, as apps of version %d do not have it", r.next.Version, r.old.Version)
	default:
		r.say(table, column, "it is new: raise version to %d and write since = %[1]d, as apps of version %d do not have it", r.old.Version+1, r.old.Version)
	}
}

// since returns the version that brought the column.
func since(t *record.Table, c *record.Column) record.Version { return max(t.Since, c.Since, 1) }
