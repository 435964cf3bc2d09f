//go:build !js

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	maxPageBytes = 8_000_000 // docs/protocol.md, S11
	attempts     = 6
	firstPause   = time.Second // it doubles with each attempt
	longestPause = time.Minute
)

func runExport(c *invocation) error {
	o := c.operator()
	file := c.flags.String("o", "-", "the file to write, or - for standard output")
	if err := c.parse(); err != nil {
		return err
	}
	ctx, stop := untilInterrupted()
	defer stop()
	return newCourier(o).export(ctx, *file, os.Stdout)
}

func runImport(c *invocation) error {
	o := c.operator()
	c.flags.Parse(c.args) // exits after an error
	if c.flags.NArg() != 1 {
		return errors.New("import: one FILE is needed, after the flags; - is standard input")
	}
	ctx, stop := untilInterrupted()
	defer stop()
	return newCourier(o).importFile(ctx, c.flags.Arg(0), os.Stdin)
}

// A courier carries pages of an export from or to a running server.
type courier struct {
	*operator
	client  http.Client
	pause   func(context.Context, time.Duration) error
	log     io.Writer // of the progress
	reached bool      // the server answered before: a refused connection passes
}

func newCourier(o *operator) *courier {
	return &courier{operator: o, client: http.Client{Timeout: operatorTimeout, CheckRedirect: noRedirect}, pause: sleep, log: os.Stderr}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// untilInterrupted returns a context that ends with SIGINT or SIGTERM.
func untilInterrupted() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// export writes all pages to a file, which gets its name at the end, or to stdout. It
// writes to a device or a pipe as it is.
func (c *courier) export(ctx context.Context, file string, stdout io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	if file == "" || file == "-" {
		return c.exportTo(ctx, stdout)
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return c.exportToDevice(ctx, file)
	}
	// A file that only its owner may read.
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.part")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // which fails once the file has its name
	err = c.exportTo(ctx, part)
	if err == nil {
		err = part.Sync()
	}
	if closing := part.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(part.Name(), file)
	}
	return err
}

func (c *courier) exportToDevice(ctx context.Context, file string) error {
	device, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	err = c.exportTo(ctx, device)
	if closing := device.Close(); err == nil {
		err = closing
	}
	return err
}

func (c *courier) exportTo(ctx context.Context, w io.Writer) error {
	size := 0
	for page, cursor := 1, ""; ; page++ {
		query := url.Values{}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var next string
		text, err := c.send(ctx, http.MethodGet, "export", query, nil, func(text []byte) (err error) {
			next, err = endOfPage(text)
			return err
		})
		if err != nil {
			return fmt.Errorf("export page %d: %w", page, err)
		}
		if _, err := w.Write(text); err != nil {
			return fmt.Errorf("export page %d: %w", page, err)
		}
		size += len(text)
		if next == "" {
			if page == 1 && bytes.Count(text, []byte{'\n'}) == 2 {
				fmt.Fprintln(c.log, "the export is empty: there is no such space, or nothing is in it")
			}
			fmt.Fprintf(c.log, "exported %s, %.1f MB\n", count(page, "page"), megabytes(size))
			return nil
		}
		fmt.Fprintf(c.log, "page %d, %.1f MB so far\n", page, megabytes(size))
		cursor = next
	}
}

// count writes a number of things, as in "1 page".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func megabytes(n int) float64 { return float64(n) / 1e6 }

// endOfPage returns the cursor in the last line of a page, or "" if it is the last page.
func endOfPage(page []byte) (next string, err error) {
	lines := bytes.TrimSuffix(page, []byte{'\n'})
	var end struct{ Next *string }
	last := lines[bytes.LastIndexByte(lines, '\n')+1:]
	if len(lines) == len(page) || !isEnd(last) || json.Unmarshal(last, &end) != nil {
		return "", errors.New("the page was cut short")
	}
	if end.Next == nil {
		return "", nil
	}
	return *end.Next, nil
}

// isEnd says whether a line ends a page.
func isEnd(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"next":`)) }

// importFile sends the pages of a file, or of stdin if its name is "-".
func (c *courier) importFile(ctx context.Context, file string, stdin io.Reader) error {
	if c.space == "" {
		return errors.New("import: --space is needed: only a space is imported into")
	}
	if err := c.check(); err != nil {
		return err
	}
	in, total := stdin, 0
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		// A file that is cut short must not begin an import.
		if total, err = countPages(f, file); err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			return err
		}
		in = f
	}
	imported := 0
	pages := newPages(in, file)
	for {
		page, err := pages.next()
		if err == io.EOF {
			fmt.Fprintf(c.log, "imported %s in %s\n", count(imported, "line"), count(pages.number, "page"))
			return nil
		}
		if err != nil {
			return err
		}
		var done struct{ Imported int }
		_, err = c.send(ctx, http.MethodPost, "import", nil, page, func(answer []byte) error { return json.Unmarshal(answer, &done) })
		if err != nil {
			return pages.explain(err)
		}
		imported += done.Imported
		if total > 1 || file == "-" && !pages.ended {
			fmt.Fprintf(c.log, "page %d%s, %d lines so far\n", pages.number, of(total), imported)
		}
	}
}

func of(total int) string {
	if total == 0 {
		return ""
	}
	return fmt.Sprintf(" of %d", total)
}

// countPages reads a file to its end.
func countPages(r io.Reader, file string) (int, error) {
	for pages := newPages(r, file); ; {
		if _, err := pages.next(); err == io.EOF {
			return pages.number, nil
		} else if err != nil {
			return 0, err
		}
	}
}

// pages are those of an export, one after the other.
type pages struct {
	in     *bufio.Reader
	file   string
	page   []byte
	number int // of the page that next returned
	first  int // the number of its first line in the file
	lines  int // that were read
	ended  bool
}

func newPages(r io.Reader, file string) *pages {
	if file == "-" {
		file = "standard input"
	}
	return &pages{in: bufio.NewReaderSize(r, maxPageBytes), file: file}
}

// next returns the next page, which is good until the next call, or io.EOF after the last
// one.
func (p *pages) next() ([]byte, error) {
	p.page, p.first = p.page[:0], p.lines+1
	for {
		line, err := p.in.ReadSlice('\n')
		p.lines++
		switch {
		case p.lines == 1 && !bytes.HasPrefix(line, []byte(`{"format":`)):
			return nil, fmt.Errorf(`%s is no export of tidemark: {"format":…} must be its first line`, p.file)
		case err == io.EOF && len(line) == 0 && len(p.page) == 0 && p.ended:
			return nil, io.EOF
		case p.ended:
			return nil, fmt.Errorf("%s: line %d: there is more after the end of the export", p.file, p.lines)
		case err == bufio.ErrBufferFull || len(p.page)+len(line) > maxPageBytes:
			return nil, fmt.Errorf("%s: line %d: no page of an export is longer than %d bytes", p.file, p.lines, maxPageBytes)
		case err == io.EOF && !isEnd(line):
			return nil, fmt.Errorf("%s ends at line %d, before the end of the export: it was cut short", p.file, p.lines)
		case err != nil && err != io.EOF:
			return nil, err
		}
		p.page = append(p.page, line...)
		if isEnd(line) {
			break
		}
	}
	if p.page[len(p.page)-1] != '\n' {
		p.page = append(p.page, '\n')
	}
	next, err := endOfPage(p.page)
	if err != nil {
		return nil, fmt.Errorf("%s: line %d: the end of a page must be {\"next\":…}", p.file, p.lines)
	}
	p.number++
	p.ended = next == ""
	return p.page, nil
}

// explain says where in the file a page is that the server refused.
func (p *pages) explain(err error) error {
	var refused *refusal
	if errors.As(err, &refused) && refused.line > 0 {
		return fmt.Errorf("%s: line %d: %w", p.file, p.first+refused.line-1, err)
	}
	return fmt.Errorf("import page %d, which begins at line %d of %s: %w", p.number, p.first, p.file, err)
}

// A refusal is an answer that is not 200.
type refusal struct {
	url, status string
	code        int
	message     string
	line        int           // of the page, or 0
	after       time.Duration // Retry-After
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s returned %s: %s", r.url, r.status, r.message)
}

// passes says whether the same request may succeed later.
func (r *refusal) passes() bool {
	switch r.code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// A finalError is the error of a request that is not sent again.
type finalError struct{ error }

// send sends a request to the place, and again if it failed for a reason that passes or
// check does not take the answer. A page may be asked for, and sent, any number of times.
func (c *courier) send(ctx context.Context, method, path string, query url.Values, body []byte, check func(answer []byte) error) ([]byte, error) {
	for attempt, wait := 1, firstPause; ; attempt, wait = attempt+1, 2*wait {
		answer, err := c.once(ctx, method, path, query, body)
		if err == nil {
			if err = check(answer); err == nil {
				return answer, nil
			}
		}
		var refused *refusal
		var broken *net.OpError
		var final *finalError
		switch {
		case ctx.Err() != nil:
			return nil, errors.New("interrupted")
		case attempt == attempts, errors.As(err, &final):
			return nil, err
		case errors.As(err, &refused) && !refused.passes():
			return nil, err
		case errors.As(err, &broken) && broken.Op == "dial" && !c.reached:
			return nil, err // most likely the address is wrong
		case refused != nil:
			wait = max(wait, refused.after)
		}
		wait = min(wait, longestPause)
		fmt.Fprintf(c.log, "%v; trying again in %v\n", err, wait)
		if err := c.pause(ctx, wait); err != nil {
			return nil, errors.New("interrupted")
		}
	}
}

// once sends a request, and returns the body of an answer 200.
func (c *courier) once(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	request, err := c.request(method, path, query.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, &finalError{err}
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-ndjson")
	}
	response, err := c.client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	c.reached = true
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxPageBytes+1))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		request.URL.RawQuery = ""
		r := &refusal{url: request.URL.String(), status: response.Status, code: response.StatusCode, message: reason(answer)}
		var failure struct{ Error struct{ Line int } }
		if json.Unmarshal(answer, &failure) == nil {
			r.line = failure.Error.Line
		}
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
			r.after = time.Duration(seconds) * time.Second
		}
		return nil, r
	}
	if len(answer) > maxPageBytes {
		return nil, &finalError{fmt.Errorf("%s returned more than a page", request.URL)}
	}
	return answer, nil
}
