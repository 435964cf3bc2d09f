package project

import "tidemark/shared/ijson"

// A Kind is the kind of a field's values.
type Kind int

// The kinds, and the JSON that carries each.
const (
	Text    Kind = iota // a string of at most Max characters
	Date                // "2026-02-28"
	Integer             // a whole number from Min to Max
	Number              // a number from Min to Max
	Boolean             // true or false
	Choice              // one of Choices
	Ref                 // the id of a live row of the same project, see To
	Days                // an array of ISO weekdays, 1..7, each at most once
	Dates               // an array of dates, each at most once
)

// A Field is one field of a collection. Its name is the same on the wire and
// in the database.
type Field struct {
	Name     string
	Kind     Kind
	Nullable bool
	Required bool // has to be in the body that creates the row
	Fixed    bool // cannot change once the row is there
	Plan     bool // needs PlanTasks to be set or changed
	Min, Max float64
	Choices  []string
	// To is the collection whose ids a Ref holds. For Memberships it is the
	// user_id of a live member.
	To Name
	// Default is the value of a row that was created without the field: nil, a
	// string, a float64 or a bool; for Days and Dates the JSON text.
	Default any
}

// A Name is the name of a collection, on the wire.
type Name string

// The collections.
const (
	Projects     Name = "projects"
	Tasks        Name = "tasks"
	Dependencies Name = "dependencies"
	Calendars    Name = "calendars"
	Memberships  Name = "memberships"
)

// A Collection is one kind of row. Its Title is the noun for one row in messages.
type Collection struct {
	Name   Name
	Title  string
	Table  string // in the database
	Fields []Field
}

// Limits of values.
const (
	MaxNameChars  = 500
	MaxTextChars  = 10_000
	MaxUserChars  = 255
	MaxExceptions = 1_000
	maxDays       = 36_500               // a century
	maxOrder      = ijson.MaxInteger + 1 // a time in milliseconds fits
)

// Collections are all of them, in the order in which a pull pages them.
var Collections = []Collection{
	{Name: Projects, Title: "project", Table: "Projects", Fields: []Field{
		{Name: "name", Kind: Text, Required: true, Min: 1, Max: MaxNameChars},
		{Name: "description", Kind: Text, Nullable: true, Max: MaxTextChars},
		{Name: "start_date", Kind: Date, Nullable: true},
		{Name: "status", Kind: Text, Min: 1, Max: 50, Default: "active"},
		{Name: "calendar_id", Kind: Ref, To: Calendars, Nullable: true},
		{Name: "archived", Kind: Boolean, Default: false},
	}},
	{Name: Tasks, Title: "task", Table: "ProjectTasks", Fields: []Field{
		{Name: "name", Kind: Text, Required: true, Min: 1, Max: MaxNameChars},
		{Name: "description", Kind: Text, Nullable: true, Max: MaxTextChars},
		{Name: "status", Kind: Choice, Choices: []string{"not_started", "in_progress", "blocked", "done"}, Default: "not_started"},
		{Name: "percent_complete", Kind: Integer, Max: 100, Default: 0.0},
		{Name: "planned_start", Kind: Date, Nullable: true, Plan: true},
		{Name: "duration_days", Kind: Number, Nullable: true, Max: maxDays},
		{Name: "parent_id", Kind: Ref, To: Tasks, Nullable: true},
		{Name: "assignee_id", Kind: Ref, To: Memberships, Nullable: true},
		{Name: "is_milestone", Kind: Boolean, Default: false},
		{Name: "sort_order", Kind: Number, Min: -maxOrder, Max: maxOrder, Default: 0.0},
		{Name: "notes", Kind: Text, Nullable: true, Max: MaxTextChars},
	}},
	{Name: Dependencies, Title: "dependency", Table: "ProjectDependencies", Fields: []Field{
		{Name: "predecessor_id", Kind: Ref, To: Tasks, Required: true, Fixed: true},
		{Name: "successor_id", Kind: Ref, To: Tasks, Required: true, Fixed: true},
		{Name: "type", Kind: Choice, Choices: []string{"FS", "SS", "FF", "SF"}, Default: "FS"},
		{Name: "lag_days", Kind: Number, Min: -maxDays, Max: maxDays, Default: 0.0},
	}},
	{Name: Calendars, Title: "calendar", Table: "ProjectCalendars", Fields: []Field{
		{Name: "name", Kind: Text, Required: true, Min: 1, Max: MaxNameChars},
		{Name: "working_days", Kind: Days, Default: "[1,2,3,4,5]"},
		{Name: "hours_per_day", Kind: Number, Max: 24, Default: 8.0},
		{Name: "exceptions", Kind: Dates, Default: "[]"},
	}},
	{Name: Memberships, Title: "membership", Table: "ProjectMemberships", Fields: []Field{
		{Name: "user_id", Kind: Text, Required: true, Fixed: true, Min: 1, Max: MaxUserChars},
		{Name: "role", Kind: Choice, Choices: roleNames[1:], Required: true},
	}},
}

// Find returns the collection of that name, or nil.
func Find(name Name) *Collection {
	for i := range Collections {
		if Collections[i].Name == name {
			return &Collections[i]
		}
	}
	return nil
}

// Field returns the field of that name, or nil.
func (c *Collection) Field(name string) *Field {
	for i := range c.Fields {
		if c.Fields[i].Name == name {
			return &c.Fields[i]
		}
	}
	return nil
}

// maxFields is at least how many fields a collection has.
const maxFields = 16

// index is where the field of that name stands in c.Fields, or -1.
func (c *Collection) index(name []byte) int {
	for i := range c.Fields {
		if c.Fields[i].Name == string(name) {
			return i
		}
	}
	return -1
}

// Index is where the collection stands in Collections, or -1.
func (n Name) Index() int {
	for i := range Collections {
		if Collections[i].Name == n {
			return i
		}
	}
	return -1
}
