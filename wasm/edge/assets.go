//go:build !js

package edge

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"tidemark/wasm/metrics"
)

// assets are the static files that the host serves without the guest.
// Cloudflare docs, Workers, Static Assets.
type assets struct {
	files      fs.FS // nil: there are none
	singlePage bool  // navigations that match no file get /index.html
	headers    []headerRule
	tags       sync.Map // of files that have no time of change: name to ETag
}

// openAssets opens the assets of files or, if that is nil, of the config.
func openAssets(c *Config, files fs.FS) (*assets, error) {
	if files == nil && c.Assets.Directory != "" {
		files = c.Folder(c.Assets.Directory)
	}
	if files == nil {
		return &assets{}, nil
	}
	headers, err := readHeaderRules(files)
	if err != nil {
		return nil, err
	}
	return &assets{
		files:      files,
		singlePage: c.Assets.NotFoundHandling == "single-page-application",
		headers:    headers,
	}, nil
}

// serve sends the file that matches r, or returns false if there is none.
func (a *assets) serve(rw http.ResponseWriter, r *http.Request) bool {
	if a.files == nil || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return false
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	candidates := []string{name, name + ".html"}
	if name == "" || strings.HasSuffix(r.URL.Path, "/") {
		candidates = []string{path.Join(name, "index.html")}
	}
	if a.singlePage && r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		candidates = append(candidates, "index.html")
	}
	for _, name := range candidates {
		if a.serveFile(rw, r, name) {
			return true
		}
	}
	return strings.HasSuffix(r.URL.Path, "/") && a.redirect(rw, r, name)
}

// redirect sends the path of a page with a slash behind it to the page: /console/ to
// /console, which is console.html. It returns false if there is no such page.
func (a *assets) redirect(rw http.ResponseWriter, r *http.Request, name string) bool {
	info, err := fs.Stat(a.files, name+".html")
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	SetRoute(rw, metrics.Assets)
	setHeaders(rw.Header(), a.headers, r.URL.Path)
	to := url.URL{Path: "/" + name, RawQuery: r.URL.RawQuery}
	http.Redirect(rw, r, to.String(), http.StatusTemporaryRedirect)
	return true
}

func (a *assets) serveFile(rw http.ResponseWriter, r *http.Request, name string) bool {
	if !fs.ValidPath(name) || name == headersFile || strings.HasPrefix(path.Base(name), ".") {
		return false
	}
	f, err := a.files.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	content, ok := f.(io.ReadSeeker)
	if err != nil || !info.Mode().IsRegular() || !ok {
		return false
	}
	if info.ModTime().IsZero() {
		tag, err := a.tag(name, content)
		if err != nil {
			return false
		}
		rw.Header().Set("ETag", tag)
	}
	SetRoute(rw, metrics.Assets)
	rw.Header().Set("Cache-Control", "public, max-age=0, must-revalidate")
	setHeaders(rw.Header(), a.headers, r.URL.Path)
	w := &failureWriter{ResponseWriter: rw, r: r}
	http.ServeContent(w, r, name, info.ModTime(), content)
	if w.status == http.StatusPreconditionFailed { // ServeContent sends no body with it
		WriteFailure(rw, r, w.status, "The file has changed: see the request's preconditions")
	}
	return true
}

// tag returns the ETag of a file that never changes, as those inside the program.
func (a *assets) tag(name string, content io.ReadSeeker) (string, error) {
	if tag, ok := a.tags.Load(name); ok {
		return tag.(string), nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`
	a.tags.Store(name, tag)
	return tag, nil
}
