package door

import (
	"net/url"
	"slices"
	"strings"

	"tidemark/shared/auth"
	"tidemark/shared/web"
)

// AnyMethod is the method of a route that looks at the method itself.
const AnyMethod = "*"

// A Route is one row of the route table.
type Route struct {
	Name   string // unique in the table
	Method string // or AnyMethod
	// Pattern is the path. A segment {name} stands for one segment, and one
	// segment {name...} for all between the segments before and behind it.
	Pattern    string
	Permission auth.Permission // "": a valid token is enough
	Also       auth.Permission // is needed, too; "": none
	Open       bool            // served before Admit: nobody has to be known
	Upgrade    bool            // matches only the opening handshake of a WebSocket
	Socket     bool            // opens a WebSocket, so that it takes a ticket
	Outside    bool            // of a space: the Worker serves it, and the space does not hear of it
	Logged     bool            // the log has a line about each call that succeeds: who changed what
	Serve      func(*Call) error

	parameters []string
}

// A Section is the routes whose errors have one form, and what they share.
type Section struct {
	// Roots are the paths of the section: those that end in a slash with all below.
	Roots  []string
	Routes []Route
	// ValidParameter says whether a parameter of a path can be valid; nil: any is.
	ValidParameter func(value string) bool
	Admit          func(*Call) error // before all routes that are not Open
	Missing        error             // the error of a path that no route has
	Refuse         func(*Call, error)
	Headers        string // that a client sends beside the usual ones, for CORS
	OwnPagesOnly   bool   // pages of other origins get no CORS headers
	Cacheable      bool   // responses have no Cache-Control: no-store

	patterns []pattern
}

// A pattern is what the routes of one path have in common.
type pattern struct {
	segments []string
	many     int // the index of {name...}, or -1
	upgrade  bool
	routes   []*Route
	methods  []string // of the routes

	name, nameOfSpace string // of the route in the metrics, in the root and in a space
}

// A Table is all sections. A path belongs to the first section that has a root for it.
type Table []*Section

// NewTable prepares the sections. The last one has the paths that no other has. It
// panics if a section does not say how it admits and refuses a call.
func NewTable(sections ...*Section) Table {
	for _, s := range sections {
		if s.Admit == nil || s.Missing == nil || s.Refuse == nil {
			panic("the section of " + s.Roots[0] + " is not complete")
		}
		for i := range s.Routes {
			s.add(&s.Routes[i])
		}
	}
	return sections
}

func (s *Section) add(r *Route) {
	name := strings.ReplaceAll(r.Pattern, "...}", "}")
	p := pattern{segments: strings.Split(r.Pattern, "/"), many: -1, upgrade: r.Upgrade, name: name, nameOfSpace: "/s/{space}" + name}
	for i, segment := range p.segments {
		if name, ok := parameterName(segment); ok {
			r.parameters = append(r.parameters, strings.TrimSuffix(name, "..."))
			if strings.HasSuffix(name, "...") {
				p.many = i
			}
		}
	}
	for i := range s.patterns {
		if q := &s.patterns[i]; q.upgrade == p.upgrade && slices.Equal(q.segments, p.segments) {
			q.routes, q.methods = append(q.routes, r), append(q.methods, r.Method)
			return
		}
	}
	p.routes, p.methods = []*Route{r}, []string{r.Method}
	s.patterns = append(s.patterns, p)
}

func parameterName(segment string) (name string, ok bool) {
	if !strings.HasPrefix(segment, "{") {
		return "", false
	}
	return strings.Trim(segment, "{}"), true
}

// Section returns the section of a path.
func (t Table) Section(path string) *Section {
	for _, s := range t {
		for _, root := range s.Roots {
			if path == root || strings.HasSuffix(root, "/") && strings.HasPrefix(path, root) {
				return s
			}
		}
	}
	return t[len(t)-1]
}

// Serve finds the route of a call and runs it, after all that comes before: Admit,
// the path (404), the method (405) and the permission (403), in this order.
func (s *Section) Serve(c *Call) error {
	allowed := s.find(c)
	if c.Route != nil && c.Route.Open {
		return c.Route.Serve(c)
	}
	if err := s.Admit(c); err != nil {
		return err
	}
	switch {
	case len(allowed) == 0:
		return s.Missing
	case c.Route == nil:
		return wrongMethod(allowed)
	}
	for _, p := range [...]auth.Permission{c.Route.Permission, c.Route.Also} {
		if p == "" {
			continue
		}
		if err := c.Permit(p); err != nil {
			return err
		}
	}
	err := c.Route.Serve(c)
	if err == nil && c.Route.Logged {
		c.logChange()
	}
	return err
}

// ServesOutside says whether the Worker serves a call of a space by itself.
func (s *Section) ServesOutside(c *Call) bool {
	s.find(c)
	return c.Route != nil && c.Route.Outside
}

// mostSegments is how many segments a path has that a route serves, at most: a longer one costs an allocation.
const mostSegments = 16

// find fills in the route and its parameters. It returns the methods that the path
// takes, none if no route has the path.
func (s *Section) find(c *Call) (allowed []string) {
	var few [mostSegments]string // of the usual path
	segments := few[:0]
	for segment := range strings.SplitSeq(c.R.URL.EscapedPath(), "/") {
		segments = append(segments, segment)
	}
	for i := range s.patterns {
		p := &s.patterns[i]
		if p.upgrade && !IsUpgrade(c.R) {
			continue
		}
		values, ok := s.match(p, segments)
		if !ok {
			continue
		}
		if c.Space.Name == "" {
			c.W.SetRoute(p.name)
		} else {
			c.W.SetRoute(p.nameOfSpace)
		}
		for _, r := range p.routes {
			if c.Route == nil && (r.Method == c.R.Method || r.Method == AnyMethod) {
				c.Route, c.values = r, values
			}
		}
		return p.methods
	}
	return nil
}

// match compares the segments of a path with a pattern, and returns what stands
// for its parameters.
func (s *Section) match(p *pattern, segments []string) (values []string, ok bool) {
	more := len(segments) - len(p.segments) // segments for {name...} beyond the first
	if more < 0 || more > 0 && p.many < 0 {
		return nil, false
	}
	for i, at := 0, 0; i < len(p.segments); i, at = i+1, at+1 {
		text := segments[at]
		if i == p.many {
			text = strings.Join(segments[at:at+more+1], "/")
			at += more
		}
		if strings.Contains(text, "%") {
			var err error
			if text, err = url.PathUnescape(text); err != nil {
				return nil, false
			}
		}
		if _, parameter := parameterName(p.segments[i]); !parameter {
			if text != p.segments[i] {
				return nil, false
			}
			continue
		}
		if s.ValidParameter != nil && !s.ValidParameter(text) {
			return nil, false
		}
		values = append(values, text)
	}
	return values, true
}

// methods returns the methods that a page of another origin may use: those that the
// Fetch standard always allows, and what the section's routes have besides.
func (s *Section) methods() []string {
	list := []string{web.MethodGet, web.MethodPost}
	for _, method := range []string{web.MethodPatch, web.MethodDelete} {
		if slices.ContainsFunc(s.Routes, func(r Route) bool { return r.Method == method }) {
			list = append(list, method)
		}
	}
	return append(list, web.MethodOptions)
}
