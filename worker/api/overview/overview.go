// Package overview serves what an operator sees first.
//
//	GET /overview   what the host and the stores count, and warnings in words
package overview

import (
	"context"
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store/spaces"
)

// A Config is where the figures come from.
type Config struct {
	Host      func() (abi.Overview, error)
	Directory Directory
	Webhooks  Webhooks
	// Place returns the space and the room of a document's object; the space is "" for a document of the root.
	Place         func(class, name string) (space, room string)
	Storage       int // the number of the stores
	TablesVersion int
}

// A Directory knows the spaces; *spaces.Directory does.
type Directory interface {
	Summary(ctx context.Context, bytes int64, limit int) (spaces.Summary, error)
}

// Webhooks knows the outboxes; *webhooks.Desk does.
type Webhooks interface {
	On() bool
	Summary(ctx context.Context) (waiting, failing int, err error)
}

// Section is the route.
func Section(config *Config) *door.Section {
	return &door.Section{
		Roots:  []string{"/overview"},
		Routes: []door.Route{{Name: "overview", Method: "GET", Pattern: "/overview", Permission: auth.SyncAdmin, Serve: config.serve}},
		Admit:  (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}

// A response is that of the route.
type response struct {
	Now           int64                `json:"now"`
	Server        abi.OverviewServer   `json:"server"`
	ABI           int                  `json:"abi"`
	Storage       int                  `json:"storage"`
	TablesVersion int                  `json:"tables_version"`
	Minutes       []abi.OverviewMinute `json:"minutes"`
	Sockets       abi.OverviewSockets  `json:"sockets"`
	Instances     *int64               `json:"instances"`
	MemoryBytes   int64                `json:"memory_bytes"`
	ObjectsOpen   *int64               `json:"objects_open"`
	CopiesBehind  int64                `json:"copies_behind_seconds"`
	Ended         abi.OverviewEnded    `json:"ended"`
	Webhooks      webhooks             `json:"webhooks"`
	Backup        *backup              `json:"backup"`
	Spaces        int                  `json:"spaces"`
	Warnings      []Warning            `json:"warnings"`
}

type webhooks struct {
	On      bool `json:"on"`
	Waiting int  `json:"waiting"`
	Failing int  `json:"failing"`
}

type backup struct {
	On   bool   `json:"on"`
	Last *int64 `json:"last"`
}

func (config *Config) serve(c *door.Call) error {
	for name := range door.Query(c.R) {
		if name != "" {
			return door.Fail(door.BadRequest, fmt.Sprintf("Unknown parameter %.64q: the overview takes none", name))
		}
	}
	host, err := config.Host()
	if err != nil {
		return err
	}
	ctx := c.R.Context()
	full := c.Settings.SpaceBytes
	directory, err := config.Directory.Summary(ctx, full/100*spaces.NotablePercent, mostNamed)
	if err != nil {
		return err
	}
	r := response{
		Now: host.Now, Server: host.Server, ABI: abi.Number, Storage: config.Storage, TablesVersion: config.TablesVersion,
		Minutes: host.Minutes, Sockets: host.Sockets, Instances: host.Instances, MemoryBytes: host.MemoryBytes, ObjectsOpen: host.ObjectsOpen,
		CopiesBehind: host.CopiesBehindSeconds, Ended: host.Ended, Spaces: directory.Spaces,
	}
	if host.Backup.Here {
		r.Backup = &backup{host.Backup.On, host.Backup.Last}
	}
	if r.Webhooks.On = config.Webhooks.On(); r.Webhooks.On {
		if r.Webhooks.Waiting, r.Webhooks.Failing, err = config.Webhooks.Summary(ctx); err != nil {
			return err
		}
		r.Webhooks.Waiting = max(r.Webhooks.Waiting, int(host.WebhooksWaiting))
	}
	w := warner{list: []Warning{}}
	w.ofHost(&host)
	w.ofCopies(host.Copies, config.Place)
	w.ofSpaces(directory.Filled, full)
	w.ofWebhooks(r.Webhooks.Failing)
	r.Warnings = w.list
	body, err := jsonvalue.Marshal(&r)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, body)
	return nil
}
