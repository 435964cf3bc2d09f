//go:build !js

package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/e2e/conformance"
	"tidemark/shared/abi"
	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/api"
	projectsapi "tidemark/worker/api/projects"
	"tidemark/worker/store/projects"
	"tidemark/worker/webtest"
)

// askAs sends a request of the subject; the body of the response is closed.
func askAs(t *testing.T, url, method, subject, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	token := conformance.Signer([]byte(secret))(conformance.Claims{Subject: subject, Scope: conformance.NoScope, TTL: time.Hour})
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

func TestUploadsAreLimitedByUserAndProject(t *testing.T) {
	url := openProjects(t, map[string]string{"LIMIT_UPLOADS_PER_MINUTE": "3"}).URL + "/api/v1/projects/"
	for _, id := range []string{"p", "q"} {
		if res := askAs(t, url, "POST", "ann", fmt.Sprintf(`{"id":%q,"name":"P"}`, id)); res.StatusCode != 201 {
			t.Fatal(res.Status)
		}
	}
	if res := askAs(t, url+"p/memberships/", "POST", "ann", `{"user_id":"bob","role":"Member"}`); res.StatusCode != 201 {
		t.Fatal(res.Status)
	}
	upload := func(id, subject string, n int) *http.Response {
		return askAs(t, url+id+"/sync/", "POST", subject, fmt.Sprintf(`{"client_batch_id":"00000000-0000-4000-8000-%012d","changes":{}}`, n))
	}
	for i := range 3 {
		if res := upload("p", "ann", i); res.StatusCode != 200 {
			t.Fatal(i, res.Status)
		}
	}
	res := upload("p", "ann", 3)
	wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if res.StatusCode != 429 || err != nil || wait < 1 || wait > 60 || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %v", res)
	}
	for _, other := range [][2]string{{"q", "ann"}, {"p", "bob"}} {
		if res := upload(other[0], other[1], 4); res.StatusCode != 200 {
			t.Errorf("%v: %s", other, res.Status)
		}
	}
	if res := askAs(t, url+"p/sync/", "GET", "ann", ""); res.StatusCode != 200 {
		t.Errorf("a pull is limited too: %s", res.Status)
	}
}

// oneProject has the project p with everybody as a member, and no other.
type oneProject struct{ projectsapi.Store }

func (oneProject) Role(_ context.Context, key projects.Key) (project.Role, project.Seq, error) {
	if key.Project != "p" {
		return 0, 0, &project.Refusal{Code: project.NotFound}
	}
	return project.Member, 1, nil
}

func (o oneProject) Upload(ctx context.Context, _ time.Time, key projects.Key, _ *delta.Upload) (projects.Uploaded, error) {
	_, _, err := o.Role(ctx, key)
	return projects.Uploaded{Answer: []byte("{}")}, err
}

func TestUploadsToInventedProjectsTakeNobodysPlace(t *testing.T) {
	now := time.Now()
	c := configure(t, map[string]string{"LIMIT_UPLOADS_PER_MINUTE": "3"})
	c.Root.Projects, c.Door.Now = oneProject{}, func() time.Time { return now }
	h := webtest.Handler{Of: api.New(c)}
	sign := conformance.Signer([]byte(secret))
	tokens := map[string]string{}
	for _, name := range []string{"ann", "bob", "eve"} {
		tokens[name] = sign(conformance.Claims{Subject: name, Scope: conformance.NoScope, TTL: time.Hour})
	}
	upload := func(id, subject, body string) int {
		r := httptest.NewRequest("POST", "/api/v1/projects/"+id+"/sync/", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+tokens[subject])
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	const good = `{"client_batch_id":"00000000-0000-4000-8000-000000000000","changes":{}}`
	for i, want := range []int{200, 200, 200, 429} {
		if got := upload("p", "ann", good); got != want {
			t.Fatalf("upload %d: %d, want %d", i, got, want)
		}
	}
	for i := range 5000 { // more than are remembered
		body := good
		if i%2 == 1 {
			body = "{"
		}
		if got := upload(fmt.Sprint("invented-", i), "eve", body); got != 404 {
			t.Fatalf("invented project %d: %d, want 404", i, got)
		}
	}
	if got := upload("p", "ann", good); got != 429 {
		t.Errorf("who has used up the uploads gets %d after a flood of invented projects, want 429", got)
	}
	if got := upload("p", "bob", good); got != 200 {
		t.Errorf("another member gets %d after the flood, want 200", got)
	}
}

// broken commits a write and then returns an error.
type broken struct{ projectsapi.Store }

func (b broken) Create(ctx context.Context, key projects.Key, name project.Name, row project.Row) (projects.Written, error) {
	if _, err := b.Store.Create(ctx, key, name, row); err != nil {
		return projects.Written{}, err
	}
	return projects.Written{}, errors.New("network connection lost")
}

// heard are rooms that record the messages.
type heard struct{ messages []string }

func (h *heard) Publish(_ context.Context, _, room string, message []byte) {
	changes, err := syncroom.DecodeChanges(message)
	h.messages = append(h.messages, fmt.Sprint(room, changes, err))
}

func (h *heard) Forward(web.ResponseWriter, *web.Request, abi.Forward) error { return nil }

func TestAWriteWhoseAnswerIsLostIsTold(t *testing.T) {
	stored := projects.New(openD1(t), projects.NewStatements())
	rooms := &heard{}
	c := configure(t, nil)
	c.Root.Projects, c.Door.Rooms = broken{stored}, rooms
	server := httptest.NewServer(webtest.Handler{Of: api.New(c)})
	defer server.Close()
	url := server.URL + "/api/v1/projects/"
	if res := askAs(t, url, "POST", "ann", `{"id":"p","name":"P"}`); res.StatusCode != 201 {
		t.Fatal(res.Status)
	}
	if res := askAs(t, url+"p/tasks/", "POST", "ann", `{"name":"T"}`); res.StatusCode != 500 || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %v", res)
	}
	if want := []string{"project/p[{* 2}] <nil>"}; !cmp.Equal(want, rooms.messages) {
		t.Errorf("told %q, want %q", rooms.messages, want)
	}
	// A rejected write tells nobody.
	if res := askAs(t, url+"p/tasks/", "POST", "ann", `{}`); res.StatusCode != 400 || len(rooms.messages) != 1 {
		t.Errorf("%s, told %q", res.Status, rooms.messages)
	}
}

func TestABrowserMayAskForProjects(t *testing.T) {
	url := openProjects(t, nil).URL + "/api/v1/projects/"
	res := askAs(t, url, "OPTIONS", "ann", "")
	for _, want := range []string{"PATCH", "DELETE"} {
		if !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), want) {
			t.Errorf("%s is not allowed: %v", want, res.Header)
		}
	}
	if !strings.Contains(strings.ToLower(res.Header.Get("Access-Control-Allow-Headers")), "x-base-version") {
		t.Errorf("x-base-version is not allowed: %v", res.Header)
	}
}

func TestTheDocumentationCannotBeFramedNorRunAnything(t *testing.T) {
	res := askAs(t, openProjects(t, nil).URL+"/api/v1/docs", "GET", "ann", "")
	policy := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Strict-Transport-Security": "max-age=31536000",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestTheLargestUploadFits sends bodies of the greatest length whose encoding
// grows most.
func TestTheLargestUploadFits(t *testing.T) {
	url := openProjects(t, nil).URL + "/api/v1/projects/"
	if res := askAs(t, url, "POST", "ann", `{"id":"p","name":"P"}`); res.StatusCode != 201 {
		t.Fatal(res.Status)
	}
	for n, char := range []string{"<", "\u2028", `\u0001`, "😀", `\"`} {
		text := strings.Repeat(char, project.MaxTextChars)
		var rows []string
		for size := 200; ; {
			row := fmt.Sprintf(`{"id":"t%d.%d","name":"T","notes":"%s"}`, n, len(rows), text)
			if size += len(row) + 1; size > delta.MaxUploadBytes {
				break
			}
			rows = append(rows, row)
		}
		body := fmt.Sprintf(`{"client_batch_id":"00000000-0000-4000-8000-%012d","changes":{"tasks":{"created":[%s]}}}`, n, strings.Join(rows, ","))
		if res := askAs(t, url+"p/sync/", "POST", "ann", body); res.StatusCode != 200 {
			t.Errorf("%d rows of %q: %s", len(rows), char, res.Status)
		}
		if res := askAs(t, url+"p/sync/?page_size=5000", "GET", "ann", ""); res.StatusCode != 200 {
			t.Errorf("a pull of %q: %s", char, res.Status)
		}
	}
}
