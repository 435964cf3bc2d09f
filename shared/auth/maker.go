package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A place is a glob of Spaces with the scope there. The glob "" is the root.
type place struct {
	glob  string
	scope Scope
}

// places returns what an identity reaches, which In has not narrowed.
func (id Identity) places() (all []place) {
	if !id.Spaces.Limited {
		return []place{{"", id.Scope}}
	}
	for grants := id.Spaces.Grants; grants != ""; {
		var glob, words string
		glob, grants, _ = strings.Cut(grants, "\x00")
		words, grants, _ = strings.Cut(grants, "\x00")
		all = append(all, place{glob, union(Scope{Words: words}, id.Spaces.Scope)})
	}
	return all
}

// Globs returns the globs of the claim spaces, in its order; nil if the token has no such claim.
func (s Spaces) Globs() []string {
	if !s.Limited {
		return nil
	}
	globs := []string{}
	for _, p := range (Identity{Spaces: s}).places() {
		globs = append(globs, p.glob)
	}
	return globs
}

// Operates says whether the identity has SyncAdmin or SpacesAdmin in any place.
func (id Identity) Operates() bool {
	return slices.ContainsFunc(id.places(), func(p place) bool { return p.scope.Allows(SyncAdmin) || p.scope.Allows(SpacesAdmin) })
}

// MayMake returns an error if the holder of the identity must not make a token of the other
// one. The error names what is too much. Neither identity was narrowed by In.
//
// A token reaches no place, has no word of a scope and opens no room beyond its maker's. It has
// any subject and any claims for rules. So its maker has SyncAdmin in each place that it
// reaches, where the rules do not bind the maker either. A token that Operates ends no later
// than its maker's. The check is stricter than it has to be: it compares globs one by one
// (covers), and ignores that several together may match as much.
// docs/protocol.md, G1 to G4.
func (id Identity) MayMake(made Identity) error {
	own := id.places()
	for _, p := range made.places() {
		if err := within(p, own); err != nil {
			return err
		}
	}
	if err := id.Rooms.within(made.Rooms); err != nil {
		return err
	}
	if made.Operates() && !id.Expires.IsZero() && (made.Expires.IsZero() || made.Expires.After(id.Expires)) {
		return fmt.Errorf("a token with %s or %s must end no later than your own", SyncAdmin, SpacesAdmin)
	}
	return nil
}

// within returns an error if a maker with these places must not let a token reach p.
func within(p place, own []place) error {
	var scopes []Scope
	for _, o := range own {
		if covers(o.glob, p.glob) {
			scopes = append(scopes, o.scope)
		}
	}
	where := fmt.Sprintf("the spaces %q", p.glob)
	if p.glob == "" {
		where = `the root, ""`
	}
	if len(scopes) == 0 {
		return fmt.Errorf("your own token does not reach %s, by one name or glob", where)
	}
	scope := union(scopes...)
	if !scope.Allows(SyncAdmin) {
		return fmt.Errorf("your own token lacks %s in %s, where the new one would be valid", SyncAdmin, where)
	}
	if p.scope.All && !scope.All {
		return fmt.Errorf("in %s the new token would have no scope, which allows more than yours: name one", where)
	}
	for _, word := range strings.Fields(p.scope.Words) {
		permission := scope.All && slices.Contains(Permissions, Permission(word)) && scope.Allows(Permission(word))
		if !permission && !slices.Contains(strings.Fields(scope.Words), word) {
			return fmt.Errorf("the scope of your own token lacks %q in %s", word, where)
		}
	}
	return nil
}

// within returns an error if others opens a room that r does not.
func (r Rooms) within(others Rooms) error {
	if !r.Limited {
		return nil
	}
	if !others.Limited {
		return errors.New("the new token would open every room, and your own does not: name its rooms")
	}
	for _, glob := range others.List() {
		if !slices.ContainsFunc(r.List(), func(own string) bool { return covers(own, glob) }) {
			return fmt.Errorf("your own token does not open the rooms %q, by one name or glob", glob)
		}
	}
	return nil
}

// List returns the globs; nil if the rooms are all.
func (r Rooms) List() []string {
	if !r.Limited {
		return nil
	}
	return slices.DeleteFunc(strings.Split(r.Globs, "\x00"), func(glob string) bool { return glob == "" })
}

// covers says whether a glob matches whatever the other one does. If not, it may still do:
// "?*" does not cover "*?". It takes the other glob for a text: * stands for anything in it, and
// ? for one of its characters that is no *. The glob "" is the root, and covers only itself.
func covers(glob, other string) bool {
	if glob == "" || other == "" {
		return glob == other
	}
	return globMatches(glob, other, true)
}
