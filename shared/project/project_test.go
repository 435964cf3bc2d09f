package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestRoles is the contract's section 6, row by row.
func TestRoles(t *testing.T) {
	table := []struct {
		role Role
		may  []Action
	}{
		{NoRole, nil},
		{Viewer, []Action{Read}},
		{Member, []Action{CreateTasks, EditOwnTasks}},
		{Scheduler, []Action{EditTasks, DeleteTasks, PlanTasks, EditNetwork, EditCalendars}},
		{Admin, []Action{EditProject, ChangeMembers}},
		{Owner, []Action{DeleteProject, ChangeOwners}},
	}
	may := map[Action]bool{}
	for _, line := range table {
		for _, a := range line.may {
			may[a] = true
		}
		for _, a := range Actions {
			if got := line.role >= a.Needs(); got != may[a] {
				t.Errorf("%q may %s: %v, want %v", line.role, a, got, may[a])
			}
		}
	}
	if len(may) != len(Actions) {
		t.Errorf("the table has %d of %d actions", len(may), len(Actions))
	}
}

// TestFields is the contract's section 4, the list of fields.
func TestFields(t *testing.T) {
	want := map[Name]string{
		Projects:     "name description start_date status calendar_id archived",
		Tasks:        "name description status percent_complete planned_start duration_days parent_id assignee_id is_milestone sort_order notes",
		Dependencies: "predecessor_id successor_id type lag_days",
		Calendars:    "name working_days hours_per_day exceptions",
		Memberships:  "user_id role",
	}
	for _, c := range Collections {
		var names []string
		for i := range c.Fields {
			f := &c.Fields[i]
			names = append(names, f.Name)
			if f.Required || f.Default == nil && f.Nullable {
				continue
			}
			if _, problem := f.Decode([]byte(f.DefaultJSON())); problem != "" {
				t.Errorf("%s.%s: its default %s", c.Name, f.Name, problem)
			}
		}
		if got := strings.Join(names, " "); got != want[c.Name] {
			t.Errorf("%s: got %q, want %q", c.Name, got, want[c.Name])
		}
	}
}

func TestValuesAtTheirEdges(t *testing.T) {
	tasks, calendars := Find(Tasks), Find(Calendars)
	text := func(n int) string { return `"` + strings.Repeat("é", n) + `"` }
	for _, c := range []struct {
		field *Field
		json  string
		want  any // nil is refused
	}{
		{tasks.Field("percent_complete"), "0", 0.0}, {tasks.Field("percent_complete"), "100", 100.0}, {tasks.Field("percent_complete"), "1e2", 100.0},
		{tasks.Field("percent_complete"), "101", nil}, {tasks.Field("percent_complete"), "-1", nil}, {tasks.Field("percent_complete"), "-0", 0.0}, {tasks.Field("percent_complete"), "0.5", nil},
		{tasks.Field("name"), text(1), "é"}, {tasks.Field("name"), text(MaxNameChars), strings.Repeat("é", MaxNameChars)}, {tasks.Field("name"), text(MaxNameChars + 1), nil}, {tasks.Field("name"), text(0), nil},
		{tasks.Field("planned_start"), `"2024-02-29"`, "2024-02-29"}, {tasks.Field("planned_start"), `"2026-02-29"`, nil},
		{tasks.Field("parent_id"), `"a"`, "a"}, {tasks.Field("parent_id"), `".a"`, nil},
		{calendars.Field("hours_per_day"), "24", 24.0}, {calendars.Field("hours_per_day"), "24.01", nil},
		{calendars.Field("working_days"), "[7,1]", []int{1, 7}}, {calendars.Field("working_days"), "[]", []int{}}, {calendars.Field("working_days"), "[1,1]", nil},
		{calendars.Field("exceptions"), `["2026-12-26","2026-12-25"]`, []string{"2026-12-25", "2026-12-26"}},
	} {
		got, problem := c.field.Decode([]byte(c.json))
		if (problem != "") != (c.want == nil) || !reflect.DeepEqual(got, c.want) && c.want != nil {
			t.Errorf("%s = %.40s: got %v, %q, want %v", c.field.Name, c.json, got, problem, c.want)
		}
	}
}

func TestARowBringsScalarsToTheDatabase(t *testing.T) {
	row, err := Find(Calendars).DecodeCreate([]byte(`{"id":"c","name":"C","working_days":[2,1],"exceptions":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(row.AppendJSON(nil)); got != `{"name":"C","working_days":"[1,2]","exceptions":"[]"}` {
		t.Errorf("got %s", got)
	}
}

func TestEveryErrorOfABodyIsTold(t *testing.T) {
	_, err := Find(Tasks).DecodeCreate([]byte(`{"id":"a b","percent_complete":"x","nope":1,"also":2}`))
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatal(err)
	}
	var fields []string
	for _, e := range input.Errors {
		fields = append(fields, e.Field)
	}
	if got := strings.Join(fields, " "); got != "name percent_complete also nope id" {
		t.Errorf("got %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"a","name":"A","_changed":"name","server_version":3,"percent_complete":5}`))
	f.Add([]byte(`{"name":"C","working_days":[1,2],"exceptions":["2026-01-01"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for i := range Collections {
			c := &Collections[i]
			for _, decode := range []func([]byte) (Row, error){c.DecodeCreate, c.DecodePatch} {
				if row, err := decode(b); err == nil && !json.Valid(row.AppendJSON(nil)) {
					t.Errorf("%s", row.AppendJSON(nil))
				}
			}
			c.DecodeUploaded(b, true)
			c.DecodeUploaded(b, false)
		}
	})
}

func TestADateIsOneOfTheCalendar(t *testing.T) {
	check := func(s string) {
		if _, err := time.Parse(time.DateOnly, s); validDate(s) != (err == nil) {
			t.Errorf("%q: got %v, but time.Parse: %v", s, validDate(s), err)
		}
	}
	for _, year := range []int{0, 1900, 2000, 2023, 2024, 9999} {
		for month := range 14 {
			for day := range 33 {
				check(fmt.Sprintf("%04d-%02d-%02d", year, month, day))
			}
		}
	}
	for _, s := range []string{"", "2024-1-01", "2024-01-1", "2024/01-01", "2024-01/01", "+024-01-01", "2024-01-01T", "20240-1-01", "2024-a1-01", "2024-01-\u00e9", " 024-01-01"} {
		check(s)
	}
}
