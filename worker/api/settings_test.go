//go:build !js

package api_test

import (
	"strings"
	"testing"

	"tidemark/worker/api/door"
)

func TestAnInvalidLimitIsNamed(t *testing.T) {
	for variable, ok := range map[string]bool{
		"LIMIT_DEPTH=0": false, "LIMIT_DEPTH=1": true, "LIMIT_DEPTH=deep": false,
		"LIMIT_CALL_MS=1e30": false, "LIMIT_CALL_MS=-1": false, "LIMIT_CALL_MS=2147483647": true,
		"LIMIT_MEMORY_MB=much": false, "LIMIT_MEMORY_MB=2047": true, "LIMIT_MEMORY_MB=2048": false,
	} {
		name, value, _ := strings.Cut(variable, "=")
		_, err := door.ReadSettings(func(asked string) string {
			return map[string]string{"AUTH_SECRET": secret, name: value}[asked]
		})
		if named := err != nil && strings.HasPrefix(err.Error(), name+" "); named == ok || ok && err != nil {
			t.Errorf("%s: the error is %v", variable, err)
		}
	}
}

func TestAnInvalidVariableOfKeysIsNamed(t *testing.T) {
	for variable, ok := range map[string]bool{
		"AUTH_SECRET=" + secret[:31]: false, "AUTH_SECRET=" + secret[:32]: true,
		"AUTH_MAX_TTL=0": false, "AUTH_MAX_TTL=-1": false, "AUTH_MAX_TTL=soon": false, "AUTH_MAX_TTL=0s": false,
		"AUTH_MAX_TTL=86400": true, "AUTH_MAX_TTL=24h": true,
		"AUTH_CLAIMS=scope": false, "AUTH_CLAIMS=role=admin": false, "AUTH_CLAIMS=scope=permissions,sub=https://example.com/id": true,
		"AUTH_JWKS_URL=http://issuer.example/keys": false, "AUTH_JWKS_URL=https://issuer.example/keys": true,
		"AUTH_JWKS_URL=https://a.example,https://b.example": false,
		"AUTH_ISSUER=us": true, "AUTH_ISSUER=us,them": false, "AUTH_ISSUER=us,https://them.example": true,
	} {
		name, value, _ := strings.Cut(variable, "=")
		h := newHandler(t, &ports{}, name, value)
		w := ask(h, "GET", "/nowhere", nil, "Authorization", "")
		if !ok {
			want(t, w, 503, name)
		} else if w.Code != 401 {
			t.Errorf("%s: %d %s", variable, w.Code, w.Body)
		}
	}
}

func TestWithoutASecretItIsTheKeysOfTheIssuerThatCount(t *testing.T) {
	for variable, ok := range map[string]bool{
		"AUTH_JWKS_URL=https://issuer.example/keys": true, "AUTH_ISSUER=https://issuer.example": true,
		"AUTH_ISSUER=us": false, "AUTH_AUDIENCE=us": false, "AUTH_JWKS_URL= ": false,
	} {
		name, value, _ := strings.Cut(variable, "=")
		h := newHandler(t, &ports{}, "AUTH_SECRET", "", name, value)
		status := 503
		if ok {
			status = 401 // no HS256, and no key is fetched for it
		}
		want(t, ask(h, "GET", "/nowhere", nil), status)
	}
}

func TestAnInvalidDeclarationOfTablesIsNamed(t *testing.T) { // D1
	for text, ok := range map[string]bool{
		"tables.toml":                          false,
		`{"version":0,"tables":[]}`:            false,
		`{"version":1,"tables":[],"colour":1}`: false,
		`{"version":1,"tables":[{"name":"visits","columns":[{"name":"owner","type":"text"}]}]}`:   false,
		`{"version":1,"tables":[{"name":"visits","columns":[{"name":"owner","type":"string"}]}]}`: true,
	} {
		w := ask(newHandler(t, &ports{}, "TABLES", text), "GET", "/nowhere", nil, "Authorization", "")
		if !ok {
			want(t, w, 503, "TABLES: ")
		} else if w.Code != 401 {
			t.Errorf("%s: %d %s", text, w.Code, w.Body)
		}
	}
}

// W1: a receiver to which nothing can be sent is an error of the variable.
func TestAnInvalidVariableOfWebhooksIsNamed(t *testing.T) {
	const webhookSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	for _, c := range []struct {
		variables string
		named     string // "": they are valid
	}{
		{"WEBHOOK_URL=https://a.example WEBHOOK_SECRET=" + webhookSecret, ""},
		{"WEBHOOK_URL=http://10.0.0.1 WEBHOOK_ALLOW_PRIVATE=1 WEBHOOK_EVENTS=space.* WEBHOOK_SECRET=" + webhookSecret, ""},
		{"WEBHOOK_SECRET=" + webhookSecret, ""},
		{"WEBHOOK_URL=https://a.example", "WEBHOOK_SECRET"},
		{"WEBHOOK_URL=a.example WEBHOOK_SECRET=" + webhookSecret, "WEBHOOK_URL"},
		{"WEBHOOK_URL=http://a.example WEBHOOK_SECRET=" + webhookSecret, "WEBHOOK_ALLOW_PRIVATE"},
		{"WEBHOOK_SECRET=secret", "WEBHOOK_SECRET"},
		{"WEBHOOK_EVENTS=rows.*", "WEBHOOK_EVENTS"},
	} {
		var pairs []string
		for _, variable := range strings.Fields(c.variables) {
			name, value, _ := strings.Cut(variable, "=")
			pairs = append(pairs, name, value)
		}
		p := &ports{}
		h := newHandler(t, p, pairs...)
		w, ready := ask(h, "GET", "/nowhere", nil, "Authorization", ""), ask(h, "GET", "/readyz", nil)
		if c.named != "" { // F3: the server is not ready, and its log says why
			want(t, w, 503, c.named)
			want(t, ready, 503, `"failures":[{"variable":"WEBHOOK_`, c.named)
			if got := p.log.String(); !strings.Contains(got, "a variable or a binding is invalid") || !strings.Contains(got, c.named) {
				t.Errorf("%s: the log is %s", c.variables, got)
			}
		} else if w.Code != 401 || ready.Code != 200 {
			t.Errorf("%s: %d %s, readiness %d", c.variables, w.Code, w.Body, ready.Code)
		}
	}
}
