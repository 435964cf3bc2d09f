package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/ijson"
	"tidemark/shared/trpc"
)

// devLoginPath is where anyone gets a token for any name: with the variable
// DEV_MODE set to 1, and with AUTH_SECRET. It is not there otherwise.
const devLoginPath = "/dev/login"

const (
	devTokenLife = 12 * time.Hour
	devBodyBytes = 1024
	devNameRunes = 64
)

// devLogin answers {"token":"…","expires_in":43200} to POST {"name":"…"}, and
// {"dev":true} to GET, by which a page learns that it may ask for a name.
func (s *server) devLogin(w http.ResponseWriter, r *http.Request) error {
	if !s.Settings.DevMode || len(s.Settings.Auth.Secret) == 0 {
		return &trpc.Error{Code: trpc.NotFound, Message: "Nothing is served at this path"}
	}
	switch r.Method {
	case http.MethodGet:
		write(w, http.StatusOK, []byte(`{"dev":true}`))
		return nil
	case http.MethodPost:
	default:
		return wrongMethod("GET, POST")
	}
	body, err := readBody(r, devBodyBytes)
	if err != nil {
		return err
	}
	var input struct{ Name string }
	if err := json.Unmarshal(body, &input); err != nil {
		return &trpc.Error{Code: trpc.BadRequest, Message: `The body must be {"name":"…"}`}
	}
	name := strings.TrimSpace(input.Name)
	if name == "" || utf8.RuneCountInString(name) > devNameRunes || strings.ContainsFunc(name, unicode.IsControl) {
		return &trpc.Error{Code: trpc.BadRequest, Message: "The name must have 1 to 64 characters"}
	}
	token, err := s.devToken(name)
	if err != nil {
		return err
	}
	b := ijson.AppendString([]byte(`{"token":`), token)
	write(w, http.StatusOK, append(b, `,"expires_in":43200}`...))
	return nil
}

func (s *server) devToken(name string) (string, error) {
	now := s.Now()
	claims := jwt.MapClaims{"sub": name, "iat": now.Unix(), "exp": now.Add(devTokenLife).Unix()}
	if s.Settings.Auth.Issuer != "" {
		claims["iss"] = s.Settings.Auth.Issuer
	}
	if s.Settings.Auth.Audience != "" {
		claims["aud"] = s.Settings.Auth.Audience
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(s.Settings.Auth.Secret)
}
