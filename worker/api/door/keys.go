package door

import (
	"context"
	"errors"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/web"
)

// The bounds of what one request does for the keys of an issuer: how often it
// waits for another request that fetches them, how often it fetches them, and how often it
// checks the signature, as keys may change meanwhile.
const (
	maxWaits   = 120
	maxFetches = 4
	maxChecks  = 4
)

// verify returns the identity of a token. The first request with a token of an
// issuer whose keys are unknown or old fetches them.
func (d *Door) verify(ctx context.Context, token string) (auth.Identity, error) {
	var by auth.Key
	for waits, fetches, checks := 0, 0, 0; waits < maxWaits && fetches < maxFetches && checks < maxChecks; {
		id, fetch, err := d.tryVerify(token, by)
		switch {
		case errors.Is(err, auth.ErrToken):
			return auth.Identity{}, InvalidToken(err.Error())
		case err != nil:
			return auth.Identity{}, keysMissing(err)
		case fetch == nil:
			return id, nil
		case fetch.Check != nil:
			checks++
			if by, err = d.signer(ctx, fetch.Check); err != nil {
				return auth.Identity{}, err
			}
		case fetch.URL == "":
			waits++
			if err := d.Web.Sleep(ctx, fetch.Wait); err != nil {
				return auth.Identity{}, err
			}
		default:
			fetches++
			d.fetchKeys(ctx, fetch)
		}
	}
	return auth.Identity{}, keysMissing(auth.ErrKeys)
}

// Check returns the identity of a token that this server has signed, as it will read it. The
// error is auth.ErrToken.
func (d *Door) Check(token string) (auth.Identity, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, _, err := d.verifier.Verify(token, d.Now())
	return id, err
}

// ReadClaims returns the identity of a token with the claims, the JSON of its payload, as if its signature were good.
// It asks neither whether the token is valid now, nor where. The error is auth.ErrToken.
func (d *Door) ReadClaims(claims []byte) (auth.Identity, error) {
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.verifier.ReadClaims(claims, now)
}

// signer returns which of the keys made a signature.
func (d *Door) signer(ctx context.Context, c *auth.Check) (auth.Key, error) {
	for _, key := range c.Keys {
		good, err := d.Web.Verify(ctx, abi.Signature{Alg: key.Alg, Key: key.Public, Signed: c.Signed, Signature: c.Signature})
		if good || err != nil {
			return key, err
		}
	}
	return auth.Key{}, InvalidToken(auth.ErrSignature.Error())
}

// tryVerify does as auth.VerifyBy, and knows the tokens that were verified.
func (d *Door) tryVerify(token string, by auth.Key) (id auth.Identity, fetch *auth.Fetch, err error) {
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if fetch = d.verifier.Due(now); fetch != nil {
		return id, fetch, nil
	}
	id, ok := d.cache.Get(token, now)
	if ok {
		return id, nil, nil
	}
	id, fetch, err = d.verifier.VerifyBy(token, by, now)
	if fetch == nil && err == nil {
		d.cache.Put(token, id)
	}
	return id, fetch, err
}

// fetchKeys fetches the keys of an issuer and hands them, or the error, to the verifier.
func (d *Door) fetchKeys(ctx context.Context, fetch *auth.Fetch) {
	for fetch != nil {
		var got auth.Fetched
		answer, err := d.Web.Fetch(ctx, abi.Fetch{
			Request:  abi.Request{Method: web.MethodGet, URL: fetch.URL, Header: [][2]string{{"accept", "application/json"}}},
			Timeout:  fetch.Timeout,
			MaxBytes: fetch.MaxBytes,
		})
		if got.Err = err; err == nil {
			got.Status, got.Body = answer.Status, answer.Body
			got.CacheControl = answer.Get("cache-control")
		}
		now := d.Now()
		d.mu.Lock()
		next, gone, err := d.verifier.Fetched(fetch, got, now)
		if gone {
			d.cache = auth.NewCache(cacheEntries, cacheBytes)
		}
		d.mu.Unlock()
		if err != nil {
			d.Log.Warn("the keys of an issuer were not replaced", "error", err)
		}
		fetch = next
	}
}

// keysMissing is the failure of a token that the server cannot check now.
func keysMissing(err error) error {
	return Fail(ServiceUnavailable, "The token cannot be checked now: "+err.Error()).With("Retry-After", "10")
}
