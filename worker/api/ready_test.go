//go:build !js

package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidemark/shared/abi"
	"tidemark/worker/api"
)

// F3
func TestReadinessAsksTheDatabasesOnceASecond(t *testing.T) {
	var failure error
	writes := 0
	p := &ports{}
	h := newHandlerWith(t, p, func(c *api.Config) {
		for _, name := range []string{"DB", "SECOND"} {
			c.Databases = append(c.Databases, api.Database{Name: name, Write: func(context.Context) error {
				writes++
				return failure
			}})
		}
	})
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{nil, 200, `{"status":"ready"}`},
		{fmt.Errorf("write: %w", abi.OpError("D1_ERROR: database or disk is full: SQLITE_FULL")), 503,
			`{"status":"unready","failures":[{"database":"DB","error":"disk full"},{"database":"SECOND","error":"disk full"}]}`},
		{abi.OpError("D1_ERROR: attempt to write a readonly database: SQLITE_READONLY"), 503, `"error":"read-only"`},
		{errors.New("the secret of the operator"), 503, `"error":"not writable; the log says why"`},
		{nil, 200, `{"status":"ready"}`},
	} {
		failure, writes = c.err, 0
		for range 5 {
			w := ask(h, "GET", "/readyz", nil)
			want(t, w, c.status, c.want)
			if w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), "secret") {
				t.Error(w.Header(), w.Body)
			}
			want(t, ask(h, "HEAD", "/readyz", nil), c.status)
		}
		if writes != 2 {
			t.Errorf("%v: %d writes in a second, want one of each database", c.err, writes)
		}
		p.now = p.now.Add(2 * time.Second)
	}
	if n := strings.Count(p.log.String(), "takes no writes"); n != 1 {
		t.Errorf("%d lines of the log in a minute", n)
	}
}
