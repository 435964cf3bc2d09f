//go:build !js

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	readyTimeout  = 10 * time.Second
	readySaid     = 4 << 10 // bytes of a response that are printed
	readyRedirect = "the server redirects: give the URL behind that"
)

// runHealth asks a server whether it is ready. It prints the response, and returns an error
// unless that is 200.
func runHealth(c *invocation) error {
	url := c.flags.String("url", "http://"+defaultAddr(), "the server")
	if err := c.parse(); err != nil {
		return err
	}
	return health(*url, os.Stdout)
}

func health(url string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New(readyRedirect) }}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, readySaid))
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	text := strings.TrimSpace(string(said))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s returns %s: %s", req.URL, res.Status, text)
	}
	_, err = fmt.Fprintln(out, text)
	return err
}
