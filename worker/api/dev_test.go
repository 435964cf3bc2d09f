package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidemark/shared/auth"
)

// devServer is a handler with these variables, on 1 January 2026.
func devServer(t *testing.T, variables map[string]string) http.Handler {
	t.Helper()
	return New(Config{
		Now:      func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
		Settings: ReadSettings(func(name string) string { return variables[name] }),
		Log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

func devAsk(h http.Handler, method, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, devLoginPath, strings.NewReader(body)))
	return w
}

func TestDevLoginIsNotThereOutsideDevelopment(t *testing.T) {
	for _, variables := range []map[string]string{
		{"AUTH_SECRET": "s"},
		{"AUTH_SECRET": "s", "DEV_MODE": "0"},
		{"AUTH_SECRET": "s", "DEV_MODE": "true"},
		{"DEV_MODE": "1"}, // nothing to sign with
	} {
		for _, method := range []string{"GET", "POST"} {
			w := devAsk(devServer(t, variables), method, `{"name":"Anna"}`)
			if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "token") {
				t.Errorf("%s with %v: %d %s, want 404", method, variables, w.Code, w.Body)
			}
		}
	}
}

func TestDevLoginGivesATokenThatIsGood(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": "s", "DEV_MODE": "1", "AUTH_ISSUER": "us", "AUTH_AUDIENCE": "them"})
	if w := devAsk(h, "GET", ""); w.Code != http.StatusOK {
		t.Fatalf("GET: %d %s", w.Code, w.Body)
	}
	w := devAsk(h, "POST", `{"name":" Anna Å "}`)
	var answer struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("POST: %d %s", w.Code, w.Body)
	}
	verifier, err := auth.New(auth.Config{Secret: []byte("s"), Issuer: "us", Audience: "them"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	id, err := verifier.Verify(answer.Token, now)
	if err != nil || id.Subject != "Anna Å" {
		t.Errorf("the token's identity: %+v, %v", id, err)
	}
	if _, err := verifier.Verify(answer.Token, now.Add(12*time.Hour)); err == nil {
		t.Error("the token lives longer than 12 hours")
	}
}

func TestDevLoginRefusesWhatIsNoName(t *testing.T) {
	h := devServer(t, map[string]string{"AUTH_SECRET": "s", "DEV_MODE": "1"})
	for body, want := range map[string]int{
		"":                http.StatusBadRequest,
		"{":               http.StatusBadRequest,
		`{"name":5}`:      http.StatusBadRequest,
		`{"name":" "}`:    http.StatusBadRequest,
		`{"name":"a\nb"}`: http.StatusBadRequest,
		`{"name":"` + strings.Repeat("x", 64) + `"}`:   http.StatusOK,
		`{"name":"` + strings.Repeat("x", 65) + `"}`:   http.StatusBadRequest,
		`{"name":"` + strings.Repeat("x", 2000) + `"}`: http.StatusRequestEntityTooLarge,
	} {
		if w := devAsk(h, "POST", body); w.Code != want {
			t.Errorf("%.30q: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	if w := devAsk(h, "PUT", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
}
