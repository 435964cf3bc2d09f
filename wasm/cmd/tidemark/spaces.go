//go:build !js

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"tidemark/shared/auth"
)

const spacesUsage = "spaces: want spaces list [--prefix P], or spaces info, pause, resume or delete NAME, with --url URL before the name"

// copyPause is the time between two pauses of a space whose documents are being copied.
const copyPause = 200 * time.Millisecond

// runSpaces runs a command on spaces: list, info, pause, resume or delete.
func runSpaces(c *invocation) error {
	if len(c.args) == 0 {
		return errors.New(spacesUsage)
	}
	args, out := c.args, os.Stdout
	c.flags.Init("tidemark spaces "+args[0], flag.ExitOnError)
	o := c.operator()
	prefix := c.flags.String("prefix", "", "of list: with what the names begin")
	c.flags.Parse(args[1:]) // exits after an error
	names := c.flags.Args()
	if args[0] == "list" {
		if len(names) > 0 {
			return fmt.Errorf("spaces list: unexpected argument %q", names[0])
		}
		o.scope = spacesScope
		return o.listSpaces(out, *prefix)
	}
	method, known := map[string]string{"info": http.MethodGet, "pause": http.MethodPost, "resume": http.MethodPost, "delete": http.MethodDelete}[args[0]]
	if !known {
		return fmt.Errorf("no command %q\n%s", "spaces "+args[0], spacesUsage)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "-") {
			return fmt.Errorf("spaces %s: %s stands behind the name: flags come first", args[0], name)
		}
	}
	if o.space != "" && len(names) == 0 {
		return fmt.Errorf("spaces %s: the name stands at the end, without --space", args[0])
	}
	if len(names) != 1 || !auth.ValidSpace(names[0]) {
		return fmt.Errorf("spaces %s: want the name of one space: 1 to %d of A-Z a-z 0-9 . _ -, beginning with a letter or digit", args[0], auth.MaxSpaceBytes)
	}
	o.space = names[0]
	path := args[0]
	if path == "delete" {
		path = ""
	}
	if path != "info" {
		o.scope = spacesScope
	}
	answer, err := o.send(method, path, "", "")
	for err == nil && args[0] == "pause" && strings.Contains(answer, `"more":true`) {
		time.Sleep(copyPause)
		answer, err = o.send(method, path, "", "")
	}
	if err == nil && answer != "" {
		fmt.Fprintln(out, answer)
	}
	return err
}

// listSpaces prints the name and the birth of each space, one on a line.
func (o *operator) listSpaces(out io.Writer, prefix string) error {
	return o.eachSpace(prefix, func(name string, born time.Time) {
		fmt.Fprintf(out, "%s\t%s\n", name, born.UTC().Format(time.RFC3339))
	})
}

// eachSpace calls f for each space of the directory.
func (o *operator) eachSpace(prefix string, f func(name string, born time.Time)) error {
	query := url.Values{"limit": {"1000"}, "prefix": {prefix}}
	for {
		answer, err := o.send(http.MethodGet, "spaces", query.Encode(), "")
		if err != nil {
			return err
		}
		var page struct {
			Spaces []struct {
				Name      string
				CreatedAt int64 `json:"created_at"`
			}
			Next string
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		for _, s := range page.Spaces {
			f(s.Name, time.UnixMilli(s.CreatedAt))
		}
		if page.Next == "" {
			return nil
		}
		query.Set("after", page.Next)
	}
}
