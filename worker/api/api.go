package api

import (
	"tidemark/shared/web"
	"tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/api/overview"
	"tidemark/worker/api/projects"
	"tidemark/worker/api/records"
	"tidemark/worker/api/spaces"
	"tidemark/worker/api/transfer"
	"tidemark/worker/webhooks"
)

// A Config is what the handler works with.
type Config struct {
	Door door.Config
	// Root is where the root keeps its data.
	Root Stores
	// Spaces lists the spaces; nil: there are none.
	Spaces spaces.Directory
	// Webhooks answers the operator's questions; nil: there is no receiver.
	Webhooks *webhooks.Desk
	// Overview is what the operator sees first; nil: it is not served.
	Overview *overview.Config
	// Databases are those without which the server is not ready.
	Databases []Database
}

// Stores are where the root, or one space, keeps its data.
type Stores struct {
	Tickets   door.Tickets
	Records   records.Config
	Projects  projects.Store
	Documents *documents.Config // nil: documents are not served
	Transfer  transfer.Store
	Space     spaces.Space // nil in the root
}

// A Handler serves HTTP requests.
type Handler struct {
	door   *door.Door
	root   *door.Space
	table  door.Table // of the root
	inside door.Table // of a space, whose paths begin behind /s/NAME
}

// New makes the handler, and opens it.
func New(c Config) *Handler {
	h := Prepare(c)
	h.Open(c.Door.Settings, c.Door.Invalid)
	return h
}

// Prepare makes the handler, without its settings.
func Prepare(c Config) *Handler {
	return &Handler{
		door: door.Prepare(c.Door), root: &door.Space{Tickets: c.Root.Tickets, Stores: &c.Root},
		table: rootTable(c), inside: spaceTable(c),
	}
}

// Open gives the handler its settings, before the first request.
func (h *Handler) Open(settings door.Settings, invalid error) { h.door.Open(settings, invalid) }

// storesOf returns where a call's data is.
func storesOf(c *door.Call) *Stores { return c.Space.Stores.(*Stores) }

func (h *Handler) ServeHTTP(w web.ResponseWriter, r *web.Request) {
	if name, inside, ok := cutSpace(r); ok {
		h.forward(w, r, inside, name)
		return
	}
	r, share := h.door.WithShare(r)
	defer share.End()
	serve(&door.Call{Door: h.door, W: w, R: r, Space: h.root}, h.table)
}

// serve serves a call by a route table.
func serve(c *door.Call, table door.Table) {
	section, done := begin(c, table)
	if done {
		return
	}
	if err := section.Serve(c); err != nil {
		section.Refuse(c, err)
	}
}

// begin finds the section of a call and writes the headers that every response of it
// has. It answers a preflight.
func begin(c *door.Call, table door.Table) (section *door.Section, done bool) {
	header := c.W.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	section = table.Section(c.R.URL.Path)
	if !section.OwnPagesOnly {
		c.AllowOrigin(header, c.R)
		if c.R.Method == web.MethodOptions {
			section.Preflight(c)
			return section, true
		}
	}
	if !section.Cacheable {
		header.Set("Cache-Control", "no-store")
	}
	return section, false
}
