package documents

import (
	"encoding/base64"
	"strings"

	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
)

// show writes the document. The ETag names its last update.
func (h *handler) show(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	w, r, query := c.W, c.R, door.Query(c.R)
	q := yroom.Request{Op: yroom.OpState, ETag: strings.Join(r.Header.Values("If-None-Match"), ",")}
	contentType := "application/octet-stream"
	switch format := query.Get("format"); format {
	case "":
		vector, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(query.Get("sv"), "="))
		if err != nil {
			return door.Fail(door.BadRequest, "The parameter sv is not Base64url")
		}
		q.Data = vector
	case "json":
		q.Op, contentType = yroom.OpJSON, "application/json"
	case "tree":
		q.Op, contentType = yroom.OpTree, "application/json"
	case "text":
		q.Op, q.Data, contentType = yroom.OpText, []byte(query.Get("name")), "text/plain; charset=utf-8"
	default:
		return door.Fail(door.BadRequest, "The parameter format is json, tree or text")
	}
	p, err := h.read(c, room, q)
	if err == nil {
		err = replyError(p)
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("ETag", `"`+p.ETag+`"`)
	header.Set("Cache-Control", "private, no-cache")
	if p.Status == yroom.StatusUnchanged {
		w.WriteHeader(web.StatusNotModified)
		return nil
	}
	header.Set("Content-Type", contentType)
	w.WriteHeader(web.StatusOK)
	if r.Method != web.MethodHead {
		w.Write(p.Body)
	}
	return nil
}
