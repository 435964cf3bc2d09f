package main

import (
	"fmt"
	"slices"
	"strings"
)

// part is one part of a row's name, as text.
func (r *row) part(key string) string {
	if n, ok := r.Of[key].(float64); ok {
		return number(n)
	}
	return fmt.Sprint(r.Of[key])
}

// shown returns a figure or ratio of a row, and whether it has one.
func (r *row) shown(name string) (string, bool) {
	if f, ok := r.Ratios.of(name); ok {
		return f.show(true), true
	}
	f, ok := r.Figures.of(name)
	if !ok {
		return "", false
	}
	return f.show(false), true
}

// lines returns a table of Markdown.
func lines(head []string, body [][]string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, cells := range body {
		fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | "))
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// grid returns a table with a line for each value of the part by. A column is
// "HEADER <- FIGURE @ PART=VALUE; PART=VALUE". A cell has the figures of all rows that fit, "a; b", in their order: such as those at 1 and at
// 8 connections. A line in which no column has a figure is left out.
func (r results) grid(section, name, by string, columns ...string) (string, error) {
	t, err := r.table(section, name)
	if err != nil {
		return "", err
	}
	head := []string{""}
	var all []column
	for _, text := range columns {
		c, err := parse(text)
		if err != nil {
			return "", err
		}
		head = append(head, c.header)
		all = append(all, c)
	}
	var values []string
	for _, row := range t.Rows {
		if value := row.part(by); !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	used := 0
	var body [][]string
	for _, value := range values {
		cells, some := []string{value}, false
		for _, c := range all {
			var found []string
			for _, row := range t.Rows {
				if text, ok := row.shown(c.figure); ok && row.part(by) == value && c.fits(row) {
					found = append(found, text)
				}
			}
			some = some || len(found) > 0
			used += len(found)
			cells = append(cells, strings.Join(found, "; "))
		}
		if some {
			body = append(body, cells)
		}
	}
	if used == 0 {
		return "", fmt.Errorf("table %s of section %s has no figure of %q", name, section, columns)
	}
	return lines(head, body), nil
}

// A column is the figure of the rows of which each of these parts has this value.
type column struct {
	header, figure string
	of             map[string]string
}

func parse(text string) (column, error) {
	header, rest, ok := strings.Cut(text, " <- ")
	figure, parts, hasParts := strings.Cut(rest, " @ ")
	c := column{header, figure, map[string]string{}}
	if hasParts {
		for _, part := range strings.Split(parts, "; ") {
			key, value, found := strings.Cut(part, "=")
			ok = ok && found
			c.of[key] = value
		}
	}
	if !ok {
		return c, fmt.Errorf("the column %q is not \"HEADER <- FIGURE @ PART=VALUE; PART=VALUE\"", text)
	}
	return c, nil
}

func (c column) fits(row *row) bool {
	for key, value := range c.of {
		if row.part(key) != value {
			return false
		}
	}
	return true
}

// list returns a table with a column for each row, which the part by names, and a line for each
// of these figures, or for all.
func (r results) list(section, name, by string, figures ...string) (string, error) {
	t, err := r.table(section, name)
	if err != nil {
		return "", err
	}
	if len(figures) == 0 {
		for _, row := range t.Rows {
			for _, f := range slices.Concat(row.Figures, row.Ratios) {
				if !slices.Contains(figures, f.name) {
					figures = append(figures, f.name)
				}
			}
		}
	}
	head := []string{""}
	for _, row := range t.Rows {
		head = append(head, row.part(by))
	}
	var body [][]string
	for _, figure := range figures {
		cells := []string{figure}
		for _, row := range t.Rows {
			text, _ := row.shown(figure)
			cells = append(cells, text)
		}
		body = append(body, cells)
	}
	return lines(head, body), nil
}

// value returns a figure of the row with these parts, each "PART=VALUE".
func (r results) value(section, name, figure string, parts ...string) (string, error) {
	t, err := r.table(section, name)
	if err != nil {
		return "", err
	}
	c, err := parse("value <- " + figure + " @ " + strings.Join(parts, "; "))
	if err != nil {
		return "", err
	}
	for _, row := range t.Rows {
		if text, ok := row.shown(figure); ok && c.fits(row) {
			return text, nil
		}
	}
	return "", fmt.Errorf("table %s of section %s has no %s of %q", name, section, figure, parts)
}

// title returns the title that a section has given a table.
func (r results) title(section, name string) (string, error) {
	t, err := r.table(section, name)
	if err != nil {
		return "", err
	}
	return t.Title, nil
}
