package api

import (
	"net/http"

	"tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/api/projects"
	"tidemark/worker/api/records"
)

// A Config is what the handler works with.
type Config struct {
	Door      door.Config
	Records   records.Config
	Projects  projects.Store
	Documents *documents.Config // nil: documents are not served
}

// handler dispatches requests by the route table.
type handler struct {
	door  *door.Door
	table door.Table
}

// New makes the handler.
func New(c Config) http.Handler {
	return &handler{door.New(c.Door), routes(c)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	section := h.table.Section(r.URL.Path)
	r, share := h.door.WithShare(r)
	defer share.End()
	if !section.OwnPagesOnly {
		h.door.AllowOrigin(header, r)
		if r.Method == http.MethodOptions {
			section.Preflight(w, r)
			return
		}
	}
	if !section.Cacheable {
		header.Set("Cache-Control", "no-store")
	}
	c := &door.Call{Door: h.door, W: w, R: r}
	if err := section.Serve(c); err != nil {
		section.Refuse(c, err)
	}
}
