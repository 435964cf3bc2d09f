package auth

import (
	"errors"
	"strings"

	"tidemark/shared/ijson"
)

// Rooms are the Yjs rooms that a token opens: the globs of its claim rooms. In a
// glob * stands for any characters, / among them, and ? for one. The zero value
// is all rooms.
type Rooms struct {
	Limited bool
	Globs   string // separated by NUL
}

var errRooms = errors.New("its rooms are not a list of strings")

// parseRooms reads the claim. If it is nil, the token opens every room.
func parseRooms(claim []byte) (Rooms, error) {
	if claim == nil {
		return Rooms{}, nil
	}
	globs, err := ijson.Texts(claim)
	if err != nil {
		return Rooms{}, errRooms
	}
	for _, g := range globs {
		if g == "" || strings.Contains(g, "\x00") {
			return Rooms{}, errRooms
		}
	}
	return Rooms{Limited: true, Globs: strings.Join(globs, "\x00")}, nil
}

// Allows says whether a room is among them.
func (r Rooms) Allows(room string) bool {
	if !r.Limited {
		return true
	}
	for glob := range strings.SplitSeq(r.Globs, "\x00") {
		if glob != "" && matches(glob, room) {
			return true
		}
	}
	return false
}

// Prefix returns the text with which the names of all rooms begin.
func (r Rooms) Prefix() string {
	var prefix string
	for i, glob := range strings.Split(r.Globs, "\x00") {
		if end := strings.IndexAny(glob, "*?"); end >= 0 {
			glob = glob[:end]
		}
		if i == 0 {
			prefix = glob
		}
		for !strings.HasPrefix(glob, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return strings.ToValidUTF8(prefix, "")
}

// matches says whether a name is among those of a glob.
func matches(glob, name string) bool { return globMatches(glob, name, false) }

// globMatches takes at most len(glob) × len(name) steps. If the name is a glob, too, then ? does
// not stand for its *.
func globMatches(glob, name string, ofGlob bool) bool {
	g, n := []rune(glob), []rune(name)
	star, from := -1, 0 // the last * and where its characters end
	i, j := 0, 0
	for j < len(n) {
		switch {
		case i < len(g) && g[i] == '*':
			star, from = i, j
			i++
		case i < len(g) && (g[i] == n[j] || g[i] == '?' && !(ofGlob && n[j] == '*')):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(g) && g[i] == '*' {
		i++
	}
	return i == len(g)
}
