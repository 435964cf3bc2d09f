//go:build !js

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// command runs the command without a secret in its environment.
func command(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(file, args...)
	c.Env = append(os.Environ(), "AUTH_SECRET=")
	out, err := c.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), string(exit.Stderr), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), "", 0
}

func TestTheOperatorsCommandsAskAndPrintTheAnswer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data+".secret", []byte("the server's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token, err := jwt.Parse(bearer, func(*jwt.Token) (any, error) { return []byte("the server's"), nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired()); err == nil {
			exp, _ := token.Claims.GetExpirationTime()
			bearer = fmt.Sprint(token.Claims.(jwt.MapClaims)["scope"], " for minutes: ", time.Until(exp.Time) < time.Hour)
		}
		asked <- fmt.Sprintf("%s %s %s, %s", r.Method, r.URL, body, bearer)
		fmt.Fprint(w, `{"done":1}`)
	}))
	defer server.Close()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"restored", "--url", server.URL, "--data", data}, "POST /sync/restore , sync:admin for minutes: true"},
		{[]string{"restored", "--url", server.URL + "/", "--token", "T"}, "POST /sync/restore , T"},
		{[]string{"purge", "--url", server.URL, "--data", data}, `POST /sync/purge {"keep_days":90}, sync:admin for minutes: true`},
		{[]string{"purge", "--url", server.URL, "--token", "T", "--keep-days", "7"}, `POST /sync/purge {"keep_days":7}, T`},
		{[]string{"revoke", "--url", server.URL, "--data", data, "--sub", "ann"}, `POST /auth/revoke {"sub":"ann"}, sync:admin for minutes: true`},
		{[]string{"revoke", "--url", server.URL, "--token", "T", "--jti", "t1", "--ttl", "1h"}, `POST /auth/revoke {"jti":"t1","ttl":3600}, T`},
	} {
		stdout, stderr, code := command(t, c.args...)
		var got []string
		for len(asked) > 0 {
			got = append(got, <-asked)
		}
		if stdout != "{\"done\":1}\n" || code != 0 || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: asked %q, want %q; printed %q, %q, exit %d", c.args, got, c.want, stdout, stderr, code)
		}
	}
}

func TestRevokeAsksUntilEveryRoomWasTold(t *testing.T) {
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- string(body)
		if len(asked) < 3 {
			fmt.Fprintf(w, `{"revoked_at":1,"rooms":200,"next":"n%d"}`, len(asked))
			return
		}
		fmt.Fprint(w, `{"revoked_at":1,"rooms":7}`)
	}))
	defer server.Close()
	_, stderr, code := command(t, "revoke", "--url", server.URL, "--token", "T", "--sub", "ann")
	if code != 0 || len(asked) != 3 {
		t.Fatalf("asked %d times, exit %d, %s", len(asked), code, stderr)
	}
	for _, want := range []string{`{"sub":"ann"}`, `{"sub":"ann","next":"n1"}`, `{"sub":"ann","next":"n2"}`} {
		if got := <-asked; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
}

func TestPurgeAsksUntilNoTombstoneIsLeft(t *testing.T) {
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- string(body)
		if len(asked) < 3 {
			fmt.Fprint(w, `{"horizon":5,"purged":30000,"more":true}`)
			return
		}
		fmt.Fprint(w, `{"horizon":6,"purged":7}`)
	}))
	defer server.Close()
	stdout, stderr, code := command(t, "purge", "--url", server.URL, "--token", "T", "--keep-days", "30")
	want := strings.Repeat(`{"horizon":5,"purged":30000,"more":true}`+"\n", 2) + `{"horizon":6,"purged":7}` + "\n"
	if stdout != want || code != 0 || len(asked) != 3 {
		t.Fatalf("asked %d times, printed %q, want %q, exit %d, %s", len(asked), stdout, want, code, stderr)
	}
	for range 3 {
		if got, want := <-asked, `{"keep_days":30}`; got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
	}
}

func TestTheOperatorsCommandsSayWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/sync/restore":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"code":"FORBIDDEN","message":"The token's scope lacks sync:admin"}}`)
		case "/sync/purge":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			http.Error(w, "no Tidemark", http.StatusBadGateway)
		}
	}))
	defer server.Close()
	const nobody = "http://127.0.0.1:1" // no server listens on that port
	folder := t.TempDir()
	empty := filepath.Join(folder, "data")
	for _, c := range []struct{ args, want string }{
		{"restored --token T", "--url is needed"},
		{"restored --token T --url host:80", `--url "host:80": want the server's`},
		{"restored --token T --url 127.0.0.1:80", `--url "127.0.0.1:80": want the server's`},
		{"restored --token T --url ftp://host", `--url "ftp://host": want the server's`},
		{"restored --token T --url https://host/base/s/acme/", "has the path of a space"},
		{"revoke --token T --url https://host --space acme --sub a", "a revocation is for all spaces"},
		{"restored --url " + server.URL + " --data " + empty, "no secret to sign with"},
		{"restored --url " + server.URL + " --token T", "answered 403 Forbidden: The token's scope lacks sync:admin\n"},
		{"purge --url " + server.URL + " --token T", "answered 302 Found"},
		{"restored --url " + server.URL + "/other --token T", "answered 502 Bad Gateway: no Tidemark\n"},
		{"restored --url " + nobody + " --token T", "connection refused"},
		{"purge --url " + server.URL + " --token T 30", `unexpected argument "30"`},
		{"revoke --url " + server.URL + " --token T", "one of --sub and --jti is needed"},
		{"revoke --url " + server.URL + " --token T --sub a --jti b", "one of --sub and --jti is needed"},
	} {
		stdout, stderr, code := command(t, strings.Fields(c.args)...)
		if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "tidemark: ") || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, printed %q, %q, want %q", c.args, code, stdout, stderr, c.want)
		}
	}
	if entries, _ := os.ReadDir(folder); len(entries) > 0 {
		t.Errorf("a secret was made up: %v", entries)
	}
}
