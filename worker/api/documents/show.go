package documents

import (
	"encoding/base64"
	"net/url"
	"strings"

	"tidemark/shared/web"
	"tidemark/shared/yroom"
	"tidemark/worker/api/door"
)

// formOf returns the request for a document in the form that a query names, and the form's content type.
func formOf(query url.Values) (q yroom.Request, contentType string, err error) {
	switch query.Get("format") {
	case "":
		q.Op, contentType = yroom.OpState, updateType
		if q.Data, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(query.Get("sv"), "=")); err != nil {
			err = door.Fail(door.BadRequest, "The parameter sv is not Base64url")
		}
	case "json":
		q.Op, contentType = yroom.OpJSON, "application/json"
	case "tree":
		q.Op, contentType = yroom.OpTree, "application/json"
	case "text":
		q.Op, q.Data, contentType = yroom.OpText, []byte(query.Get("name")), "text/plain; charset=utf-8"
	default:
		err = door.Fail(door.BadRequest, "The parameter format is json, tree or text")
	}
	return q, contentType, err
}

// updateType is the content type of an update.
const updateType = "application/octet-stream"

// show writes the document. The ETag names its last update.
func (h *handler) show(c *door.Call) error {
	room, err := roomOf(c)
	if err != nil {
		return err
	}
	w, r := c.W, c.R
	q, contentType, err := formOf(door.Query(r))
	if err != nil {
		return err
	}
	q.ETag = strings.Join(r.Header.Values("If-None-Match"), ",")
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
