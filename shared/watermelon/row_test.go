package watermelon

import (
	"errors"
	"strings"
	"testing"

	"tidemark/shared/record"
)

func TestARowAloneIsCheckedAsInAPushAndMustBeWhole(t *testing.T) {
	schema := record.Default()
	table := &schema.Tables[0]
	row, err := DecodeRow(table, []byte(`{"id":"a","notes":"n","contact_name":null,"company_name":"\u00e9","created_at":1,"updated_at":2.5}`))
	if want := `["a",15,2.5,1,null,"\u00e9","n"]`; err != nil || string(row) != want {
		t.Errorf("got %s, %v, want %s", row, err, want)
	}
	for input, want := range map[string]string{
		`{"id":"a","notes":"n","contact_name":null,"created_at":1,"updated_at":2}`:                            `table "customers": id "a": column "company_name": the column is missing`,
		`{"id":"a","notes":"n","contact_name":null,"company_name":"","updated_at":2}`:                         `column "created_at": the column is missing`,
		`{"id":"a","notes":"n","contact_name":null,"company_name":"","created_at":2}`:                         `column "updated_at": the column is missing`,
		`{"id":"a","notes":"n","contact_name":null,"company_name":"","created_at":1,"updated_at":2,"nick":1}`: `column "nick": the server has no such column`,
		`{"id":"a b","notes":"n","contact_name":null,"company_name":"","created_at":1,"updated_at":2}`:        `id must be 1 to 128`,
		`{"id":"a","notes":7,"contact_name":null,"company_name":"","created_at":1,"updated_at":2}`:            `column "notes": must be a string`,
		`{"notes":"n","contact_name":null,"company_name":"","created_at":1,"updated_at":2}`:                   `a row has no id`,
		`{"id":"a","notes":"n","contact_name":null,"company_name":"","created_at":1,"updated_at":2}{}`:        `unexpected`,
		`[]`: `a row must be an object`,
		``:   `table "customers"`,
		`{"id":"a","notes":"` + strings.Repeat("n", record.MaxRowBytes+1000) + `","contact_name":null,"company_name":"","created_at":1,"updated_at":2}`: `the row is larger than`,
	} {
		_, err := DecodeRow(table, []byte(input))
		var refused *InputError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.120s: %v, want %s", input, err, want)
		}
	}
}

func TestAnIDAloneIsCheckedAsInAPush(t *testing.T) {
	schema := record.Default()
	for input, want := range map[string]string{
		`"a.b-C_9"`: "", `"\u0061"`: "",
		`""`: "id must be", `"a b"`: "id must be", `7`: "id must be a string", `"a" 1`: "unexpected", ``: "customers",
		`"` + strings.Repeat("a", 129) + `"`: "id must be",
	} {
		id, err := DecodeID(&schema.Tables[0], []byte(input))
		if want == "" && (err != nil || id == "") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v, want %q", input, id, err, want)
		}
	}
}
