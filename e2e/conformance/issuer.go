package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// An issuer publishes keys at a URL of this machine, as Auth0 and the others do at
// theirs, and signs tokens.
type issuer struct {
	url        string // without a slash at its end
	name       string // its iss
	keysPath   string
	configPath string // of its OpenID configuration; "" if it has none
	control    string // Cache-Control of its keys

	mu    sync.Mutex
	keys  []issuerKey // which it publishes
	down  bool
	asked int // how often for its keys
}

// An issuerKey is a private key and its id.
type issuerKey struct {
	id     string
	method jwt.SigningMethod
	signer crypto.Signer
}

func newIssuerKey(t *testing.T, id string, method jwt.SigningMethod) issuerKey {
	t.Helper()
	k := issuerKey{id: id, method: method}
	var err error
	if method == jwt.SigningMethodRS256 {
		k.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		k.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (k issuerKey) sign(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(k.method, claims)
	token.Header["kid"] = k.id
	text, err := token.SignedString(k.signer)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jwk is the public half, with members that Tidemark has no use for.
func (k issuerKey) jwk() map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	j := map[string]any{"kid": k.id, "alg": k.method.Alg(), "use": "sig", "key_ops": []string{"verify"}, "ext": true}
	switch public := k.signer.Public().(type) {
	case *rsa.PublicKey:
		j["kty"], j["n"], j["e"] = "RSA", b64(public.N.Bytes()), b64(big.NewInt(int64(public.E)).Bytes())
		j["x5c"] = []string{"MIIC"}
	case *ecdsa.PublicKey:
		point, _ := public.Bytes()
		j["kty"], j["crv"], j["x"], j["y"] = "EC", "P-256", b64(point[1:33]), b64(point[33:])
	}
	return j
}

// start serves the issuer until the test ends.
func (i *issuer) start(t *testing.T) {
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.url = server.URL
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case i.down:
		http.Error(w, "down", http.StatusServiceUnavailable)
	case r.URL.Path == i.configPath:
		json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.name, "jwks_uri": i.url + i.keysPath, "token_endpoint": i.url + "/oauth/token",
			"id_token_signing_alg_values_supported": []string{"HS256", "RS256"},
		})
	case r.URL.Path == i.keysPath:
		i.asked++
		var set struct {
			Keys []map[string]any `json:"keys"`
		}
		for _, k := range i.keys {
			set.Keys = append(set.Keys, k.jwk())
		}
		if i.control != "" {
			w.Header().Set("Cache-Control", i.control)
		}
		json.NewEncoder(w).Encode(set)
	default:
		http.NotFound(w, r)
	}
}

// publish replaces the keys, and says whether the issuer can be reached.
func (i *issuer) publish(down bool, keys ...issuerKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys, i.down = keys, down
}

func (i *issuer) timesAsked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}
