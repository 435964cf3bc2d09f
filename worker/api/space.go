package api

import (
	"net/url"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
	"tidemark/worker/api/spaces"
)

// spacesPath is where the paths of all spaces begin.
const spacesPath = "/s/"

// cutSpace returns the space that the path of r names, and r with the path behind that.
// docs/protocol.md, Spaces.
func cutSpace(r *web.Request) (name string, inside *web.Request, ok bool) {
	if !strings.HasPrefix(r.URL.Path, spacesPath) {
		return "", nil, false
	}
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), spacesPath)
	if !ok {
		return "", nil, false
	}
	name, path, more := strings.Cut(rest, "/")
	if more {
		path = "/" + path
	}
	u := *r.URL
	u.RawPath = path
	var err error
	if u.Path, err = url.PathUnescape(path); err != nil {
		u.Path, u.RawPath = path, ""
	}
	inside = r.WithContext(r.Context())
	inside.URL = &u
	return name, inside, true
}

// errNoSpace is the failure of a path that names no possible space.
var errNoSpace = door.Fail(door.NotFound, "A space's name has 1 to 64 of the characters A-Z a-z 0-9 . _ - and begins with a letter or a digit")

// forward hands a request to the object of its space, if the caller has any right there.
// Otherwise it responds here, in the form of the path, and the object does not hear of
// the request. So nobody learns whether the space exists. A3.
func (h *Handler) forward(w web.ResponseWriter, r, inside *web.Request, name string) {
	inside, share := h.door.WithShare(inside)
	defer share.End()
	c := &door.Call{Door: h.door, W: w, R: inside, Space: &door.Space{Name: name}}
	section, done := begin(c, h.inside)
	if done {
		return
	}
	if !auth.ValidSpace(name) {
		section.Refuse(c, errNoSpace)
		return
	}
	if section.ServesOutside(c) {
		if err := section.Serve(c); err != nil {
			section.Refuse(c, err)
		}
		return
	}
	enclosed, err := c.Enclose()
	if err == nil {
		err = c.Rooms.Forward(w, r, abi.Forward{Request: true, Binding: door.SpaceBinding, Name: name, Attachment: enclosed})
		if err == nil {
			return
		}
	}
	c.Reject(err)
	if err := section.Serve(c); err != nil {
		section.Refuse(c, err)
	}
}

// ofLife says whether a request is about the life of a space. A closed space serves it.
func ofLife(r *web.Request) bool {
	path := r.URL.Path
	return r.Method == web.MethodDelete && path == "" || path == "/import" || path == "/info"
}

// ServeSpace serves a request in the object of its space. enclosed is what forward
// has handed over.
func (h *Handler) ServeSpace(w web.ResponseWriter, r *web.Request, space *door.Space, enclosed []byte) {
	name, inside, ok := cutSpace(r)
	if !ok {
		inside = r
	}
	inside, share := h.door.WithShare(inside)
	defer share.End()
	c := &door.Call{Door: h.door, W: w, R: inside, Space: space}
	err := c.Disclose(enclosed)
	if err == nil && (!ok || name != space.Name) {
		err = errNoSpace
	}
	if err == nil {
		err = space.Unopened
	}
	if err == nil && space.Closed != nil && !ofLife(c.R) {
		err = c.Shut(space.Closed)
	}
	if err == nil && space.Paused != nil && !spaces.OfOperator(inside) {
		err = c.Shut(space.Paused)
	}
	if err != nil {
		c.Reject(err)
	}
	serve(c, h.inside)
}
