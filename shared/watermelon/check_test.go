package watermelon

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidemark/shared/record"
)

// checked is a schema with checks, of which two columns came with version 2.
func checked(t *testing.T) record.Schema {
	one, five := 1.0, 5.0
	s := record.Schema{Version: 2, Tables: []record.Table{{Name: "visits", SQL: "Visits", ID: "Id", Columns: []record.Column{
		{Name: "rating", SQL: "Rating", Type: record.Number, Check: record.Check{Min: &one, Max: &five}},
		{Name: "name", SQL: "Name", Nullable: true, Check: record.Check{Max: &five}},
		{Name: "status", SQL: "Status", Default: "lead", Since: 2, Check: record.Check{Enum: []any{"lead", "active"}}},
		{Name: "score", SQL: "Score", Type: record.Number, Default: 1.5, Since: 2},
		{Name: "open", SQL: "Open", Type: record.Boolean, Default: true},
	}}}}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// A push of one row of visits: what is stored of it, or why it is rejected.
func TestChecksOfAPush(t *testing.T) {
	schema := checked(t)
	for _, c := range []struct{ row, rows, rejected string }{
		{`"rating":3,"name":"Ada"`, `["v",3,1,0,3,"Ada",0,0,0,"H"]`, ""},
		{`"rating":5,"name":null`, `["v",3,1,0,5,null,0,0,0,"H"]`, ""},
		{`"rating":5.5`, "", "rating it is greater than 5"},
		{`"rating":0,"name":"too long"`, "", "rating it is less than 1"},
		{`"name":"too long","rating":0`, "", "name it is longer than 5 UTF-16 units"},
		{`"name":"abcd\ud83d\ude00"`, "", "name it is longer than 5 UTF-16 units"},
		{`"name":"abc\ud83d\ude00"`, `["v",2,1,0,0,"abc\ud83d\ude00",0,0,0,"H"]`, ""},
		{`"status":"active"`, `["v",4,1,0,0,0,"active",0,0,"H"]`, ""},
		{`"status":"x"`, "", "status it is none of lead, active"},
		// WatermelonDB filled the column in.
		{`"status":""`, `["v",0,1,0,0,0,0,0,0,"H"]`, ""},
		{`"score":0,"open":false`, `["v",24,1,0,0,0,0,0,0,"H"]`, ""},
	} {
		input := fmt.Sprintf(`{"changes":{"visits":{"updated":[{"id":"v","updated_at":1,%s}]}},"lastPulledAt":1}`, c.row)
		p, err := DecodePush(&schema, DefaultLimits(), []byte(input))
		if err != nil {
			t.Errorf("%s: %v", c.row, err)
			continue
		}
		rows, rejected := "", ""
		for _, text := range p.Tables[0].Rows {
			rows = strings.TrimSuffix(strings.TrimPrefix(string(text), "["), "]")
			start := strings.LastIndex(rows, `,"`) + len(`,"`)
			rows = rows[:start] + `H"]`
		}
		for _, r := range p.Tables[0].Rejected {
			rejected = r.Column + " " + r.Reason
			if r.ID != "v" {
				t.Errorf("%s: the id is %q", c.row, r.ID)
			}
		}
		if rows != c.rows || rejected != c.rejected {
			t.Errorf("%s: got %s, %q, want %s, %q", c.row, rows, rejected, c.rows, c.rejected)
		}
		if got := p.Tables[0].RowCount + len(p.Tables[0].Rejected); got != 1 {
			t.Errorf("%s: %d rows", c.row, got)
		}
	}
}

// An import takes rows that a check of today rejects, and gives null the default.
func TestAnImportChecksNoValue(t *testing.T) {
	schema := checked(t)
	got, err := DecodeRow(&schema.Tables[0], []byte(`{"id":"v","rating":9,"name":"too long","status":null,"score":null,"open":null,"created_at":1,"updated_at":2}`))
	if want := `["v",63,2,1,9,"too long","lead",1.5,1]`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// The same row has the same hash, and another row another one.
func TestAHashIsOfTheRowAsItWasPushed(t *testing.T) {
	schema := checked(t)
	hash := func(row string) string {
		p, err := DecodePush(&schema, DefaultLimits(), []byte(`{"changes":{"visits":{"updated":[`+row+`]}},"lastPulledAt":1}`))
		if err != nil {
			t.Fatal(err)
		}
		text := string(p.Tables[0].Rows[0])
		return text[strings.LastIndexByte(text, ','):]
	}
	a, b := `{"id":"v","rating":3,"updated_at":1}`, `{"id":"v","rating":4,"updated_at":1}`
	if again := hash(a); again != hash(a) || again == hash(b) {
		t.Error(hash(a), hash(b))
	}
}

func TestAValueThatIsNoJSONMeetsNoCheck(t *testing.T) {
	schema := checked(t)
	for _, value := range []string{"\"\x01\"", `"\x"`, `"cut`, "\"\xff\"", `x`} {
		_, err := DecodePush(&schema, DefaultLimits(), []byte(`{"changes":{"visits":{"created":[{"id":"v","name":`+value+`}]}}}`))
		var input *InputError
		if !errors.As(err, &input) || input.ID != "v" || input.Column != "name" {
			t.Errorf("%q: got %v, want an error at the column", value, err)
		}
	}
}
