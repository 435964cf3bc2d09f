package delta

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/shared/project"
)

func TestACursorComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		since := rapid.Int64Range(0, 1<<40).Draw(t, "since")
		seq := since + rapid.Int64Range(1, 1<<40).Draw(t, "seq")
		id := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_.-]{0,63}`)
		want := Cursor{
			Project: id.Draw(t, "project"), Since: project.Seq(since), Seq: project.Seq(seq),
			Mark: project.Seq(seq + rapid.Int64Range(0, 1<<40).Draw(t, "mark")), Collection: rapid.IntRange(0, 4).Draw(t, "collection"), ID: id.Draw(t, "id"),
		}
		got, err := ParseCursor(want.String())
		if err != nil || got != want {
			t.Fatalf("%s: got %+v, %v, want %+v", want, got, err, want)
		}
	})
}

func TestWhatIsNoCursorIsRefused(t *testing.T) {
	good := `[1,"p",3,9,2,5,"t"]`
	encode := base64.RawURLEncoding.EncodeToString
	if _, err := ParseCursor(encode([]byte(good))); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		``, `[]`, `null`, `{}`, `[1]`, `[2,"p",3,9,2,5,"t"]`, `[1,"p",3,9,2,5]`, `[1,"p",3,9,2,5,"t",0]`, `[1,"",3,9,2,5,"t"]`, `[1,"p",3,9,2,5,""]`,
		`[1,"p",-1,9,2,5,"t"]`, `[1,"p",5,9,2,5,"t"]`, `[1,"p",3,4,2,5,"t"]`, `[1,"p",3,9,-1,5,"t"]`, `[1,"p",3,9,5,5,"t"]`,
		`[1,"p",3,9007199254740992,2,5,"t"]`, `[1,"p",3,9,2,5.0,"t"]`, ` [1,"p",3,9,2,5,"t"]`, `[null,"p",3,9,2,5,"t"]`, `[1,null,3,9,2,5,"t"]`, `[1,"p",3,9,2,5,"t"] `,
	} {
		if c, err := ParseCursor(encode([]byte(bad))); err == nil {
			t.Errorf("%s: got %+v", bad, c)
		}
	}
	for _, bad := range []string{encode([]byte(good)) + "=", base64.URLEncoding.EncodeToString([]byte(good + "x")), "!", strings.Repeat("A", MaxCursorBytes+1)} {
		if c, err := ParseCursor(bad); err == nil {
			t.Errorf("%s: got %+v", bad, c)
		}
	}
}

func TestAPullsParameters(t *testing.T) {
	cursor := Cursor{Project: "p", Since: 3, Mark: 9, Collection: 1, Seq: 5, ID: "t"}
	for query, want := range map[string]Pull{
		"":                                   {Project: "p", PageRows: 1000},
		"since=7&page_size=5000&other=1":     {Project: "p", Since: 7, PageRows: 5000},
		"final=1":                            {Project: "p", PageRows: 1000, Final: true},
		"since=3&cursor=" + cursor.String():  {Project: "p", Since: 3, PageRows: 1000, After: &cursor},
		"since=9007199254740991&page_size=1": {Project: "p", Since: project.MaxSeq - 1, PageRows: 1},
	} {
		values, _ := url.ParseQuery(query)
		got, err := ParsePull("p", values)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %s", query, err, d)
		}
	}
	for query, field := range map[string]string{
		"since=": "since", "since=-1": "since", "since=+1": "since", "since=1.0": "since", "since=9007199254740992": "since", "since=1&since=1": "since",
		"page_size=0": "page_size", "page_size=5001": "page_size", "page_size=": "page_size", "final=0": "final", "final=": "final",
		"cursor=": "cursor", "cursor=x": "cursor", "cursor=" + cursor.String(): "since", "final=1&since=3&cursor=" + cursor.String(): "final",
	} {
		values, _ := url.ParseQuery(query)
		_, err := ParsePull("p", values)
		wantRefused(t, query, err, field)
	}
	values, _ := url.ParseQuery("since=3&cursor=" + cursor.String())
	_, err := ParsePull("q", values)
	wantRefused(t, "another project", err, "cursor")
}

func wantRefused(t *testing.T, what string, err error, field string) {
	t.Helper()
	var input *project.InputError
	if !errors.As(err, &input) || input.Errors[0].Field != field {
		t.Errorf("%s: got %v, want an error of %s", what, err, field)
	}
}

func TestAPageHasAllCollectionsAndJoinsTheirParts(t *testing.T) {
	next := &Cursor{Project: "p", Since: 1, Mark: 9, Collection: 1, Seq: 5, ID: "t"}
	page := NewPage()
	page.Go(1)
	page.Live = append(page.Live, `{"id":"a"},{"id":"b"},`...)
	page.Deleted = append(page.Deleted, `"c","d",`...)
	page.Go(4)
	page.Deleted = append(page.Deleted, `"m",`...)
	got := page.End(9, next)
	none := `{"created":[],"updated":[],"deleted":[]}`
	want := `{"changes":{"projects":` + none + `,"tasks":{"created":[],"updated":[{"id":"a"},{"id":"b"}],"deleted":["c","d"]},"dependencies":` + none +
		`,"calendars":` + none + `,"memberships":{"created":[],"updated":[],"deleted":["m"]}},"timestamp":9,"next_cursor":"` + next.String() + `"}`
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := NewPage().End(0, nil); !json.Valid(got) || !strings.HasSuffix(string(got), `"next_cursor":null}`) {
		t.Errorf("got %s", got)
	}
}

func TestAnUploadIsRead(t *testing.T) {
	u, err := ParseUpload([]byte(`{"client_batch_id":"0188a5f4-1d2c-4e6b-9a3f-5b6c7d8e9f00","last_pulled_at":null,"changes":{"tasks":{
		"created":[{"id":"a","name":"A","_status":"created","_changed":"","server_version":0}],
		"updated":[{"id":"b","name":"old","notes":"new","_status":"updated","_changed":"notes","server_version":4}],"deleted":["c"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Created) != 1 || len(u.Updated) != 1 || len(u.Deleted) != 1 || len(u.Created[0].Set) != 1 || u.Updated[0].Base != 4 || len(u.Updated[0].Set) != 1 || u.Updated[0].Set[0].Field.Name != "notes" || u.Deleted[0] != "c" {
		t.Errorf("got %+v", u)
	}
}

func TestAnUploadTellsABoundedNumberOfErrors(t *testing.T) {
	rows := strings.TrimSuffix(strings.Repeat("5,", MaxUploadRows), ",")
	_, err := ParseUpload(fmt.Appendf(nil, `{"client_batch_id":"x","changes":{"tasks":{"created":[%s]}}}`, rows))
	var input *project.InputError
	if !errors.As(err, &input) || len(input.Errors) != MaxErrors {
		t.Errorf("got %v", err)
	}
	_, err = ParseUpload(fmt.Appendf(nil, `{"client_batch_id":"0188a5f4-1d2c-4e6b-9a3f-5b6c7d8e9f00","changes":{"tasks":{"created":[%s,5]}}}`, rows))
	wantRefused(t, "501 rows", err, "changes.tasks")
}

func FuzzInputs(f *testing.F) {
	f.Add([]byte(`{"client_batch_id":"0188a5f4-1d2c-4e6b-9a3f-5b6c7d8e9f00","changes":{"tasks":{"created":[{"id":"a","name":"A"}],"updated":[],"deleted":["b"]}}}`))
	f.Add([]byte(`WzEsInAiLDMsOSwyLDUsInQiXQ`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, err := ParseUpload(b); err == nil && len(u.Created)+len(u.Updated)+len(u.Deleted) > MaxUploadRows {
			t.Errorf("%d created, %d updated, %d deleted", len(u.Created), len(u.Updated), len(u.Deleted))
		}
		if c, err := ParseCursor(string(b)); err == nil && c.String() != string(b) {
			t.Errorf("%q is %q", b, c)
		}
	})
}
