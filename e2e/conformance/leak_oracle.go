package conformance

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// dataPermissions are what a token without the claim scope may do.
var dataPermissions = []string{"sync:read", "sync:write", "yjs:read", "yjs:write", "projects:read", "projects:write"}

// A suspect is a random token, and the model of what it may do.
type suspect struct {
	token   string
	claims  jwt.MapClaims
	invalid bool
}

// may returns whether the token names a place, and its permissions there. It is docs/auth.md,
// A1 and A2, written once more.
func (s *suspect) may(place string) (named bool, permissions map[string]bool) {
	permissions = map[string]bool{}
	grant := func(words []string) {
		for _, word := range words {
			permissions[word] = true
		}
	}
	own := dataPermissions
	if scope, ok := s.claims["scope"].(string); ok {
		own = strings.Fields(scope)
	}
	switch spaces := s.claims["spaces"].(type) {
	case nil:
		if named = place == ""; named {
			grant(own)
		}
	case []string:
		if named = slices.ContainsFunc(spaces, func(glob string) bool { return names(glob, place) }); named {
			grant(own)
		}
	case map[string]any:
		for glob, scope := range spaces {
			if !names(glob, place) {
				continue
			}
			named = true
			switch scope := scope.(type) {
			case string:
				grant(strings.Fields(scope))
			case []string:
				grant(scope)
			}
		}
	}
	return named, permissions
}

// names says whether a glob of the claim spaces names a place.
func names(glob, place string) bool {
	if glob == "" || place == "" {
		return glob == place
	}
	return globMatches(glob, place)
}

func globMatches(glob, name string) bool {
	pattern := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(glob))
	return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(name)
}

// opens says whether the token opens a document.
func (s *suspect) opens(room string) bool {
	globs, limited := s.claims["rooms"].([]string)
	return !limited || slices.ContainsFunc(globs, func(glob string) bool { return globMatches(glob, room) })
}

// sees says whether the token may read a secret of a cell by a route. An export has everything, and an operator
// sees all rows.
func (s *suspect) sees(r leakRoute, cell int, kind, room string) bool {
	named, permissions := s.may(cells[cell])
	if r.path == "/export" || kind == "rows" && ofOperator(r) {
		return named && permissions["sync:admin"]
	}
	if room == "hidden" {
		room = hiddenRoom(cell)
	}
	switch kind {
	case "rows":
		return named && permissions["sync:read"]
	case "docs":
		return named && (permissions["yjs:read"] || permissions["yjs:write"]) && s.opens(room) // who keeps a version learns its name
	case "projects":
		if strings.HasPrefix(r.path, "/api/v1/operator/") {
			return named && permissions["sync:admin"] && permissions["projects:read"]
		}
		return named && (permissions["projects:read"] || permissions["projects:write"]) && s.claims["sub"] == warden
	}
	return false
}

// ofOperator says whether a route shows the rows of all callers.
func ofOperator(r leakRoute) bool {
	return r.path == "/sync/rows" || r.path == "/sync/row" || r.path == "/sync/as"
}

// The status of an answer that says no; 0: the token may.
const allowed = 0

// verdict is the status that a request to a place must get, by the model.
func (w *jail) verdict(s *suspect, place string, r leakRoute, room string) int {
	named, permissions := s.may(place)
	subject, _ := s.claims["sub"].(string)
	switch inside := place != ""; {
	case r.outside, r.open && !inside: // only routes of the root are open
		return allowed
	case s.invalid:
		return 401
	case !named:
		return 403
	case r.needsSubject && subject == "":
		return 401
	case !w.served[inside][r.method+r.path]:
		return 404
	case r.permission != "token" && !permitted(permissions, r.permission):
		return 403
	case strings.Contains(r.path, "{room...}") && !s.opens(room):
		return 403
	}
	return allowed
}

// permitted says whether a token has all permissions of a route, which have a plus between.
func permitted(permissions map[string]bool, needed string) bool {
	for p := range strings.SplitSeq(needed, "+") {
		if !permissions[p] {
			return false
		}
	}
	return true
}

// suspect returns a random token.
func (w *jail) suspect() *suspect {
	words := func() []string {
		var list []string
		for _, word := range strings.Fields(everything) {
			if w.random.IntN(2) == 0 {
				list = append(list, word)
			}
		}
		return list
	}
	glob := func() string {
		return w.any("", "acme", "acme.x", "Acme", "beta", scratch, "*", "?*", "a*", "A*", "ac?e", "?cme", "????", "?eta", "acme*", "acme.*", "acme?x",
			"*e", "*.x", "b*a", "s*", "acm", "acmee", "ACME", "acme/", "/s/acme", "%61cme", "[a]cme", "(acme|beta)", "acme ", ".", "..", "acme.", "betb", "*f")
	}
	s := &suspect{claims: jwt.MapClaims{"sub": w.any(warden, warden, "mallory", "")}}
	if w.random.IntN(3) > 0 {
		s.claims["scope"] = strings.Join(words(), " ")
	}
	switch w.random.IntN(5) {
	case 0:
	case 1, 2:
		list := make([]string, w.random.IntN(4))
		for i := range list {
			list[i] = glob()
		}
		s.claims["spaces"] = list
	default:
		grants := map[string]any{}
		for range w.random.IntN(4) {
			if w.random.IntN(2) == 0 {
				grants[glob()] = strings.Join(words(), " ")
			} else {
				grants[glob()] = append([]string{}, words()...)
			}
		}
		s.claims["spaces"] = grants
	}
	if w.random.IntN(3) == 0 {
		list := make([]string, w.random.IntN(3))
		for i := range list {
			list[i] = w.any("note", "private", "no*", "p?ivate", "*", "hush.1.*", "hush.*", "acme/note", "Note")
		}
		s.claims["rooms"] = list
	}
	s.token = w.sign(s.claims)
	if w.random.IntN(12) == 0 {
		s.spoil(w)
	}
	return s
}

// spoil makes the token invalid.
func (s *suspect) spoil(w *jail) {
	s.invalid = true
	claims := maps.Clone(s.claims)
	switch w.random.IntN(4) {
	case 0:
		s.token = ""
	case 1:
		claims["exp"] = 1
		s.token = w.sign(claims)
	case 2:
		claims["spaces"] = w.any("acme", "*", "null")
		s.token = w.sign(claims)
	case 3:
		s.token = s.token[:len(s.token)-8] + "AAAAAAAA"
	}
}
