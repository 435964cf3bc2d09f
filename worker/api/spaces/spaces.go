// Package spaces serves the life of spaces.
//
//	GET    /spaces?prefix=&after=&limit=   {"spaces":[{"name":"…","created_at":…},…],"next":"…"}
//	GET    /s/NAME/info                    what the space holds: see Info
//	POST   /s/NAME/pause                   refuses requests for data until it is resumed; {"more":false}
//	POST   /s/NAME/resume                  ends the pause; 204
//	DELETE /s/NAME                         deletes the space with all that it holds; 204
package spaces

import (
	"context"
	"fmt"
	"strconv"

	"tidemark/shared/auth"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/store/spaces"
)

// A Directory lists the spaces; *spaces.Directory does.
type Directory interface {
	List(ctx context.Context, prefix, after string, limit int) ([]spaces.Entry, error)
}

// A Space is the one of a call; *space.Space is.
type Space interface {
	Info(ctx context.Context) (Info, error)
	// Delete deletes the space with all that it holds. It goes on later if it cannot
	// finish now.
	Delete(ctx context.Context) error
	// Pause ends all writing to the space and closes its sockets, until Resume. While
	// documents are not yet copied to the database it returns more. It returns
	// ErrAbsent if there is no such space.
	Pause(ctx context.Context) (more bool, err error)
	Resume(ctx context.Context) error
}

// ErrAbsent is the failure of a request that no space makes.
var ErrAbsent = door.Fail(door.NotFound, "There is no such space")

// Info says what a space holds.
type Info struct {
	Name        string           `json:"name"`
	CreatedAt   *int64           `json:"created_at"` // Unix milliseconds; null: it is not there
	Bytes       int64            `json:"bytes"`
	Stamp       int64            `json:"stamp"`
	Paused      bool             `json:"paused,omitempty"`
	Subscribers int              `json:"subscribers"`
	Tables      map[string]Table `json:"tables"`
	Documents   int              `json:"documents"`
}

// A Table says how many rows it has.
type Table struct {
	Rows       int `json:"rows"`
	Tombstones int `json:"tombstones"`
}

// Section is the routes of one space, behind /s/NAME.
func Section(of func(*door.Call) Space) *door.Section {
	return &door.Section{
		Roots: []string{"", "/info", "/pause", "/resume"},
		Routes: []door.Route{
			{Name: "space.delete", Method: "DELETE", Pattern: "", Permission: auth.SpacesAdmin, Logged: true, Serve: done(of, Space.Delete)},
			{Name: "space.pause", Method: "POST", Pattern: "/pause", Permission: auth.SpacesAdmin, Logged: true, Serve: func(c *door.Call) error {
				more, err := of(c).Pause(c.R.Context())
				if err != nil {
					return err
				}
				return writeJSON(c, struct {
					More bool `json:"more"`
				}{more})
			}},
			{Name: "space.resume", Method: "POST", Pattern: "/resume", Permission: auth.SpacesAdmin, Logged: true, Serve: done(of, Space.Resume)},
			{Name: "space.info", Method: "GET", Pattern: "/info", Permission: auth.SyncAdmin, Serve: func(c *door.Call) error {
				info, err := of(c).Info(c.R.Context())
				if err != nil {
					return err
				}
				return writeJSON(c, info)
			}},
		},
		Admit: (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}

// done returns a handler that does something to the space, and responds with 204.
func done(of func(*door.Call) Space, do func(Space, context.Context) error) func(*door.Call) error {
	return func(c *door.Call) error {
		if err := do(of(c), c.R.Context()); err != nil {
			return err
		}
		c.W.WriteHeader(web.StatusNoContent)
		return nil
	}
}

// OfOperator says whether a request inside a space is one that a paused space serves.
func OfOperator(r *web.Request) bool {
	switch r.URL.Path {
	case "", "/info", "/export", "/pause", "/resume":
		return true
	}
	return false
}

const (
	defaultListed = 100
	maxListed     = 1000
)

// ListSection is the directory's route.
func ListSection(d Directory) *door.Section {
	return &door.Section{
		Roots: []string{"/spaces"},
		Routes: []door.Route{{Name: "spaces.list", Method: "GET", Pattern: "/spaces", Permission: auth.SpacesAdmin, Serve: func(c *door.Call) error {
			return list(c, d)
		}}},
		Admit: (*door.Call).Admit, Missing: door.ErrNoPath, Refuse: door.Refuse,
	}
}

// A page is one of the directory. S9.
type page struct {
	Spaces []entry `json:"spaces"`
	Next   *string `json:"next"`
}

type entry struct {
	Name      string `json:"name"`
	CreatedAt int64  `json:"created_at"`
}

func list(c *door.Call, d Directory) error {
	query := door.Query(c.R)
	limit := defaultListed
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxListed {
			return door.Fail(door.BadRequest, fmt.Sprintf("The parameter limit is a number from 1 to %d", maxListed))
		}
		limit = n
	}
	found, err := d.List(c.R.Context(), query.Get("prefix"), query.Get("after"), limit)
	if err != nil {
		return err
	}
	p := page{Spaces: make([]entry, len(found))}
	for i, e := range found {
		p.Spaces[i] = entry{e.Name, e.CreatedAt}
	}
	if len(found) == limit {
		p.Next = &found[limit-1].Name
	}
	return writeJSON(c, p)
}

func writeJSON(c *door.Call, v any) error {
	body, err := jsonvalue.Marshal(v)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, body)
	return nil
}
