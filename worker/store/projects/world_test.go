//go:build !js

package projects

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tidemark/shared/project"
)

type fields = map[string]any

// A model is what a project has to be: the live rows by collection and id,
// kept by the rules alone, without SQL.
type model struct {
	rows map[project.Name]map[string]fields
}

func newModel() *model {
	m := &model{rows: map[project.Name]map[string]fields{}}
	for _, c := range project.Collections {
		m.rows[c.Name] = map[string]fields{}
	}
	return m
}

// create takes in a row as the store answered it to be, whose version is 1.
func (m *model) create(name project.Name, row project.Row) {
	f := fields{"id": row.ID, "server_version": 1.0}
	for i := range project.Find(name).Fields {
		field := &project.Find(name).Fields[i]
		f[field.Name] = field.Default
		if v, ok := row.Value(field.Name); ok {
			f[field.Name] = v
		}
	}
	m.rows[name][row.ID] = f
}

func (m *model) update(name project.Name, row project.Row) {
	f := m.rows[name][row.ID]
	for _, v := range row.Set {
		f[v.Field.Name] = v.Value
	}
	f["server_version"] = f["server_version"].(float64) + 1
}

// remove deletes a row and what cannot be without it.
func (m *model) remove(name project.Name, id string) {
	if name == project.Tasks {
		for _, child := range m.ids(project.Tasks) {
			if row := m.rows[name][child]; row != nil && row["parent_id"] == id {
				m.remove(project.Tasks, child)
			}
		}
		for _, link := range m.ids(project.Dependencies) {
			if row := m.rows[project.Dependencies][link]; row["predecessor_id"] == id || row["successor_id"] == id {
				delete(m.rows[project.Dependencies], link)
			}
		}
	}
	delete(m.rows[name], id)
}

// ids are in order, so that a seed tells the same story each time.
func (m *model) ids(name project.Name) []string { return slices.Sorted(maps.Keys(m.rows[name])) }

// under says whether task a is b or below it.
func (m *model) under(a, b string) bool {
	for a != b {
		parent, ok := m.rows[project.Tasks][a]["parent_id"].(string)
		if !ok {
			return false
		}
		a = parent
	}
	return true
}

// reaches says whether dependencies lead from a to b.
func (m *model) reaches(a, b string) bool {
	if a == b {
		return true
	}
	for _, link := range m.rows[project.Dependencies] {
		if link["predecessor_id"] == a && m.reaches(link["successor_id"].(string), b) {
			return true
		}
	}
	return false
}

// A reader keeps a copy: it pulls in small pages, and between two of them
// others write.
type reader struct {
	user   string
	rows   map[string]map[string]fields
	since  project.Seq
	cursor string
}

func newReader(user string) *reader {
	r := &reader{user: user}
	r.forget()
	return r
}

func (r *reader) forget() {
	r.rows, r.since, r.cursor = map[string]map[string]fields{}, 0, ""
	for _, c := range project.Collections {
		r.rows[string(c.Name)] = map[string]fields{}
	}
}

// apply takes in a page, and says whether it was the last one.
func (r *reader) apply(answer []byte) (done bool, err error) {
	var page struct {
		Changes map[string]struct {
			Created, Updated []fields
			Deleted          []string
		}
		Timestamp  project.Seq
		NextCursor *string `json:"next_cursor"`
	}
	if err := json.Unmarshal(answer, &page); err != nil {
		return false, err
	}
	for name, lists := range page.Changes {
		for _, row := range lists.Updated {
			r.rows[name][row["id"].(string)] = row
		}
		for _, id := range lists.Deleted {
			delete(r.rows[name], id)
		}
	}
	if page.NextCursor != nil {
		r.cursor = *page.NextCursor
		return false, nil
	}
	r.cursor, r.since = "", page.Timestamp
	return true, nil
}

// differs says how the copy is not what the model is, "" if it is.
func (r *reader) differs(m *model) string {
	var b strings.Builder
	for name, rows := range m.rows {
		for id, want := range rows {
			if got := r.rows[string(name)][id]; !reflect.DeepEqual(got, want) {
				fmt.Fprintf(&b, "%s %s: got %v, want %v\n", name, id, got, want)
			}
		}
		for id, got := range r.rows[string(name)] {
			if rows[id] == nil {
				fmt.Fprintf(&b, "%s %s: got %v, want none\n", name, id, got)
			}
		}
	}
	return b.String()
}

var background = context.Background()
