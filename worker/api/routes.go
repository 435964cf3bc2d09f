package api

import (
	"tidemark/shared/auth"
	"tidemark/shared/web"
	"tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/api/overview"
	"tidemark/worker/api/projects"
	"tidemark/worker/api/records"
	"tidemark/worker/api/spaces"
	"tidemark/worker/api/transfer"
	"tidemark/worker/api/webhooks"
)

// rootTable is the route table of the root, and spaceTable that of a space. They are
// every route that the server has. From them come the dispatch, 404 and 405 with Allow, the
// methods of CORS preflights and, for the projects, the OpenAPI document. What tRPC serves is
// a list of procedures in package records.
func rootTable(c Config) door.Table {
	sections := []*door.Section{healthSection(), readySection(c.Databases), devSection()}
	if c.Spaces != nil {
		sections = append(sections, spaces.ListSection(c.Spaces))
	}
	if c.Overview != nil {
		sections = append(sections, overview.Section(c.Overview))
	}
	sections = append(sections, webhooks.Section(c.Webhooks))
	return door.NewTable(append(sections, dataSections(c, true)...)...)
}

func spaceTable(c Config) door.Table {
	space := spaces.Section(func(c *door.Call) spaces.Space { return storesOf(c).Space })
	return door.NewTable(append([]*door.Section{space}, dataSections(c, false)...)...)
}

// dataSections are the sections that the root and the spaces have.
func dataSections(c Config, root bool) []*door.Section {
	rpc, sync := records.Sections(func(c *door.Call) *records.Config { return &storesOf(c).Records })
	documentsOf := func(c *door.Call) *documents.Config { return storesOf(c).Documents }
	if c.Root.Documents == nil {
		documentsOf = nil
	}
	return []*door.Section{
		projects.Section(func(c *door.Call) projects.Store { return storesOf(c).Projects }, root),
		rpc, documents.Section(documentsOf), sync,
		transfer.Section(func(c *door.Call) transfer.Store { return storesOf(c).Transfer }, !root), // only a space is imported into
		accountSection(root),
	}
}

func healthSection() *door.Section {
	return &door.Section{
		Roots: []string{"/healthz"},
		Routes: []door.Route{
			{Name: "health", Method: "GET", Pattern: "/healthz", Serve: health},
			{Name: "health.head", Method: "HEAD", Pattern: "/healthz", Serve: health},
		},
		Admit: func(*door.Call) error { return nil }, Missing: door.ErrNoPath, Refuse: door.Refuse,
		Cacheable: true,
	}
}

func health(c *door.Call) error {
	c.WriteJSON(web.StatusOK, []byte(`{"status":"ok"}`))
	return nil
}

func devSection() *door.Section {
	return &door.Section{
		Roots: []string{devLoginPath},
		Routes: []door.Route{
			{Name: "dev.ask", Method: "GET", Pattern: devLoginPath, Serve: devAsk},
			{Name: "dev.login", Method: "POST", Pattern: devLoginPath, Serve: devLogin},
		},
		Admit: devAdmit, Missing: door.ErrNoPath, Refuse: door.Refuse,
		OwnPagesOnly: true,
	}
}

// accountSection has the paths that no other section has, too. Tokens are of the whole
// server: the root alone makes and revokes them.
func accountSection(root bool) *door.Section {
	routes := []door.Route{
		{Name: "auth.ticket", Method: "POST", Pattern: "/auth/ticket", Serve: ticket},
		{Name: "auth.me", Method: "GET", Pattern: "/auth/me", Outside: true, Serve: me},
	}
	if root {
		routes = append(routes,
			door.Route{Name: "auth.token", Method: "POST", Pattern: "/auth/token", Permission: auth.SyncAdmin, Logged: true, Serve: makeToken},
			door.Route{Name: "auth.revoke", Method: "POST", Pattern: "/auth/revoke", Permission: auth.SyncAdmin, Logged: true, Serve: revoke})
	}
	return &door.Section{
		Roots:   []string{"/auth/"},
		Routes:  routes,
		Headers: "trpc-accept, x-trpc-source",
		Admit:   (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}
