//go:build !js

package edge

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// assets are the static files that are answered without the guest.
// Cloudflare docs, Workers, Static Assets.
type assets struct {
	files      fs.FS // nil: there are none
	singlePage bool  // navigations that match no file get /index.html
}

func openAssets(c *Config) *assets {
	if c.Assets.Directory == "" {
		return &assets{}
	}
	return &assets{
		files:      os.DirFS(filepath.Join(c.Dir, c.Assets.Directory)),
		singlePage: c.Assets.NotFoundHandling == "single-page-application",
	}
}

// serve answers r if a file matches it.
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
	return false
}

func (a *assets) serveFile(rw http.ResponseWriter, r *http.Request, name string) bool {
	if !fs.ValidPath(name) || strings.HasPrefix(path.Base(name), ".") {
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
	rw.Header().Set("Cache-Control", "public, max-age=0, must-revalidate")
	http.ServeContent(rw, r, name, info.ModTime(), content)
	return true
}
