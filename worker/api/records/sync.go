package records

import (
	"net/url"
	"strings"

	"tidemark/shared/ijson"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// turbo serves a pull in the form that WatermelonDB's turbo mode needs: the client
// hands the text to its native code without reading it. WatermelonDB docs,
// Sync/Frontend, turbo login.
func (h *handler) turbo(c *door.Call) error {
	input, err := queryInput(door.Query(c.R))
	if err != nil {
		return err
	}
	answer, _, err := h.of(c).Store.Pull(c.R.Context(), callerOf(c.ID), input, budget(c, c.Settings.Sync.PullBytes))
	if err != nil {
		return failureOf(err)
	}
	c.WritePieces(web.StatusOK, answer)
	return nil
}

// queryInput makes the input of a pull from a URL. The parameter input is the whole
// input as JSON. Without it, the parameters are the members, named as in JSON or as in
// WatermelonDB's documentation. The pull checks whether they are valid.
func queryInput(query url.Values) ([]byte, error) {
	if input := query.Get("input"); input != "" {
		return []byte(input), nil
	}
	b := []byte{'{'}
	for _, p := range [...][3]string{
		{"lastPulledAt", "last_pulled_at"}, {"schemaVersion", "schema_version"},
		{"migration", "migration"}, {"limit", "limit"}, {"cursor", "cursor"},
	} {
		v := query.Get(p[0])
		if v == "" {
			v = query.Get(p[1])
		}
		if v == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(ijson.AppendString(b, p[0]), ':')
		kind, valid := jsonKind(v)
		switch {
		case p[0] == "migration" && !valid:
			return nil, door.Fail(door.BadRequest, "The parameter migration is not JSON")
		case p[0] == "migration", p[0] != "cursor" && valid && (kind == ijson.Number || kind == ijson.Null):
			b = append(b, v...)
		default:
			b = ijson.AppendString(b, strings.ToValidUTF8(v, "\uFFFD"))
		}
	}
	return append(b, '}'), nil
}

func jsonKind(v string) (k ijson.Kind, valid bool) {
	const depth = 32 // a migration nests no deeper than 4
	s := ijson.NewScanner([]byte(v), depth)
	k = s.Kind()
	s.Skip()
	return k, s.End() == nil
}

func (h *handler) checksum(c *door.Call) error {
	answer, err := h.of(c).Store.Checksum(c.R.Context(), callerOf(c.ID), door.Budget)
	if err != nil {
		return failureOf(err)
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

// explain returns what the server has of one row. docs/protocol.md, E1.
func (h *handler) explain(c *door.Call) error {
	query := door.Query(c.R)
	answer, err := h.of(c).Store.Row(c.R.Context(), callerOf(c.ID), query.Get("table"), query.Get("id"), door.Budget)
	if err != nil {
		return failureOf(err)
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

// subscribe hands a WebSocket to the room, with the stamp of the last commit. Each later
// commit is published to the room.
func (h *handler) subscribe(c *door.Call) error {
	if !door.IsUpgrade(c.R) {
		return door.NotUpgrade()
	}
	if err := c.Enter(c.Space.RecordsRoom()); err != nil {
		return err
	}
	stamp, err := h.of(c).Store.Stamp(c.R.Context())
	if err != nil {
		return err
	}
	return c.Join(c.Space.RecordsRoom(), syncroom.Admission{At: syncroom.Position(stamp), Session: c.Session()}.Append(nil))
}
