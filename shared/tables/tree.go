package tables

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A node is a value of a TOML file, and where it stands.
type node struct {
	line    int
	kind    unstable.Kind
	text    string // of a string, a number or a boolean
	items   []*node
	members []member // of a table, in the order of the file
	index   map[string]int
}

// A member is a key of a table, with its value.
type member struct {
	key   string
	line  int
	value *node
}

// member returns the value of a key, or nil.
func (n *node) member(key string) *node {
	if i, ok := n.index[key]; ok {
		return n.members[i].value
	}
	return nil
}

// lineOf returns the line of a key that the table has.
func (n *node) lineOf(key string) int { return n.members[n.index[key]].line }

func (n *node) put(key string, line int, value *node) {
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[key] = len(n.members)
	n.members = append(n.members, member{key, line, value})
}

// into returns the table below a key, and makes it if there is none. It returns nil if the key
// has another value.
func (n *node) into(key string, line int) *node {
	below := n.member(key)
	if below == nil {
		below = &node{line: line, kind: unstable.Table}
		n.put(key, line, below)
	}
	if below.kind != unstable.Table {
		return nil
	}
	return below
}

// maxFile is how many bytes a declaration may have.
const maxFile = 1 << 20

// parseTree reads a TOML file.
func parseTree(text []byte) (*node, *Error) {
	if len(text) > maxFile {
		return nil, &Error{Reason: fmt.Sprintf("the file is longer than %d bytes", maxFile)}
	}
	if err := toml.Unmarshal(text, &map[string]any{}); err != nil { // reader does not check that a key stands once
		var decode *toml.DecodeError
		reason := strings.TrimPrefix(err.Error(), "toml: ")
		if errors.As(err, &decode) {
			line, _ := decode.Position()
			return nil, &Error{Line: line, Reason: reason}
		}
		return nil, &Error{Reason: reason}
	}
	r := &reader{}
	for i, c := range text {
		if c == '\n' {
			r.ends = append(r.ends, i)
		}
	}
	r.Reset(text)
	root := &node{line: 1, kind: unstable.Table}
	at := root
	for r.NextExpression() {
		var err *Error
		switch e := r.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			at, err = r.header(root, e)
		case unstable.KeyValue:
			err = r.add(at, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.Error(); err != nil {
		return nil, &Error{Reason: err.Error()}
	}
	return root, nil
}

// A reader makes the tree of a TOML file that is valid.
type reader struct {
	unstable.Parser
	ends []int // the offsets of the ends of lines
}

func (r *reader) line(n *unstable.Node) int {
	ended, _ := slices.BinarySearch(r.ends, int(n.Raw.Offset))
	return ended + 1
}

// header returns the table that a line such as [visits.columns] begins.
func (r *reader) header(root *node, e *unstable.Node) (*node, *Error) {
	at := root
	for keys := e.Key(); keys.Next(); {
		k := keys.Node()
		if at = at.into(string(k.Data), r.line(k)); at == nil || e.Kind == unstable.ArrayTable {
			return nil, &Error{Line: r.line(k), Reason: fmt.Sprintf("[[%s]] is an array of tables: write [%[1]s]", k.Data)}
		}
	}
	return at, nil
}

// add adds a key with its value to a table. The key may be dotted.
func (r *reader) add(n *node, e *unstable.Node) *Error {
	var key string
	line := 0
	for keys := e.Key(); keys.Next(); {
		if line > 0 {
			if n = n.into(key, line); n == nil {
				return &Error{Line: line, Reason: strconv.Quote(key) + " is no table"}
			}
		}
		key, line = string(keys.Node().Data), r.line(keys.Node())
	}
	v, err := r.value(e.Value(), line)
	n.put(key, line, v)
	return err
}

func (r *reader) value(v *unstable.Node, line int) (*node, *Error) {
	n := &node{line: line, kind: v.Kind, text: string(v.Data)}
	for children := v.Children(); children.Next(); {
		c := children.Node()
		switch {
		case c.Kind == unstable.Comment:
		case v.Kind == unstable.InlineTable:
			if err := r.add(n, c); err != nil {
				return nil, err
			}
		default:
			item, err := r.value(c, line)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
	}
	if n.kind == unstable.InlineTable {
		n.kind = unstable.Table
	}
	return n, nil
}
