package api

import (
	"net/http"

	"tidemark/shared/auth"
	"tidemark/worker/api/documents"
	"tidemark/worker/api/door"
	"tidemark/worker/api/projects"
	"tidemark/worker/api/records"
)

// routes is the route table: every route that the server has. From it come the
// dispatch, 404 and 405 with Allow, the methods of CORS preflights and, for the
// projects, the OpenAPI document. What tRPC serves is a list of procedures in package records.
func routes(c Config) door.Table {
	settings := c.Door.Settings
	rpc, sync := records.Sections(c.Records, settings)
	return door.NewTable(
		healthSection(),
		devSection(),
		projects.Section(c.Projects, settings),
		rpc,
		documents.Section(c.Documents),
		sync,
		accountSection(),
	)
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
	c.WriteJSON(http.StatusOK, []byte(`{"status":"ok"}`))
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

// accountSection has the paths that no other section has, too.
func accountSection() *door.Section {
	return &door.Section{
		Roots: []string{"/auth/"},
		Routes: []door.Route{
			{Name: "auth.ticket", Method: "POST", Pattern: "/auth/ticket", Serve: ticket},
			{Name: "auth.revoke", Method: "POST", Pattern: "/auth/revoke", Permission: auth.SyncAdmin, Serve: revoke},
		},
		Headers: "trpc-accept, x-trpc-source",
		Admit:   (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}
