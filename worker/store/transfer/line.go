package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tidemark/shared/abi"
	"tidemark/shared/ijson"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/shared/watermelon"
	"tidemark/worker/store"
)

// Limits of a line.
const (
	lineDepth    = 4
	maxRoomBytes = 512
	maxNameBytes = 200      // of a version
	maxTextBytes = 64 << 10 // of a subject
)

// A line is the members of one line of a page that were not read yet. It remembers the
// first error.
type line struct {
	kind    string // the name of the first member
	members map[string][]byte
	err     error
}

func readLine(text []byte) *line {
	l := &line{}
	s := ijson.NewScanner(text, 1)
	if s.Kind() == ijson.Object {
		s.Enter(ijson.Object)
		if name, ok := s.Member(); ok {
			l.kind = string(ijson.Unquote(nil, name))
		}
	}
	l.members, l.err = ijson.Members(text, lineDepth)
	return l
}

func (l *line) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf(format, args...)
	}
}

// raw takes the JSON of a member, which must be there.
func (l *line) raw(name string) []byte {
	value, ok := l.members[name]
	if !ok {
		l.fail("the member %q is missing", name)
	}
	delete(l.members, name)
	return value
}

// has says whether there is a member of that name.
func (l *line) has(name string) bool {
	_, ok := l.members[name]
	return ok
}

// text takes a string of least to most bytes.
func (l *line) text(name string, least, most int) string {
	raw := l.raw(name)
	if l.err != nil {
		return ""
	}
	text, err := ijson.Text(raw)
	if err != nil || len(text) < least || len(text) > most {
		l.fail("%q must be a string of %d to %d bytes", name, least, most)
	}
	return text
}

// id takes the id of a project or of a row of one.
func (l *line) id(name string) string {
	raw := l.raw(name)
	if l.err != nil {
		return ""
	}
	id, problem := project.DecodeID(raw)
	if problem != "" {
		l.fail("%q %s", name, problem)
	}
	return id
}

// integer takes a whole number from least to greatest.
func (l *line) integer(name string, least int64) int64 { return l.number(l.raw(name), name, least) }

func (l *line) number(raw []byte, name string, least int64) int64 {
	if l.err != nil {
		return 0
	}
	n, problem := integerOf(raw)
	if problem || n < least || n > greatest {
		l.fail("%q must be a whole number from %d to %d", name, least, int64(greatest))
	}
	return n
}

func integerOf(raw []byte) (n int64, problem bool) {
	s := ijson.NewScanner(raw, 0)
	_, v := s.Number()
	if s.End() != nil || v != float64(int64(v)) {
		return 0, true
	}
	return int64(v), false
}

// nullable takes JSON that is null, or a whole number from least to greatest.
func (l *line) nullable(name string, least int64) []byte {
	raw := l.raw(name)
	if string(raw) == "null" {
		return raw
	}
	return strconv.AppendInt(nil, l.number(raw, name, least), 10)
}

// end returns the error of the line: the first one, or that of a member that is not known.
func (l *line) end() error {
	if l.err == nil && len(l.members) > 0 {
		names := make([]string, 0, len(l.members))
		for name := range l.members {
			names = append(names, name)
		}
		l.fail("unknown member %.64q", slices.Min(names))
	}
	return l.err
}

// decode adds one line of a page to what the import writes.
func (w *writes) decode(text []byte) error {
	l := readLine(text)
	switch l.kind {
	case "row":
		w.row(l)
	case "tombstone":
		w.tombstone(l)
	case "document":
		w.document(l)
	case "version":
		w.version(l)
	case "project":
		w.sequence(l)
	case "collection":
		w.collection(l)
	case "":
		l.fail("a line must be an object with a member")
	default:
		l.fail("unknown kind of line %.64q", l.kind)
	}
	return l.end()
}

// table takes the name of a table, and returns its index.
func (w *writes) table(l *line, member string) (int, *record.Table) {
	name := l.text(member, 1, maxNameBytes)
	i := w.schema.Table(name)
	if i < 0 {
		l.fail("unknown table %.64q", name)
		return 0, nil
	}
	return i, &w.schema.Tables[i]
}

func (w *writes) row(l *line) {
	i, t := w.table(l, "row")
	stamp, ahead, value := l.integer("stamp", 0), l.raw("ahead"), l.raw("value")
	if l.err != nil {
		return
	}
	if string(ahead) != "null" {
		s := ijson.NewScanner(ahead, 0)
		if s.Number(); s.End() != nil {
			l.fail(`"ahead" must be a number or null`)
			return
		}
	}
	row, err := watermelon.DecodeRow(t, value)
	if err != nil {
		l.err = err
		return
	}
	row = append(row[:len(row)-1], `,0,`...)
	row = strconv.AppendInt(row, stamp, 10)
	w.rows[i].add(append(append(append(row, ','), ahead...), ']'))
}

func (w *writes) tombstone(l *line) {
	i, t := w.table(l, "tombstone")
	stamp, raw := l.integer("stamp", 0), l.raw("id")
	if l.err != nil {
		return
	}
	id, err := watermelon.DecodeID(t, raw)
	if err != nil {
		l.err = err
		return
	}
	row := append(ijson.AppendString([]byte{'['}, id), ",0,0,0"...)
	for range t.Columns {
		row = append(row, ",null"...)
	}
	row = strconv.AppendInt(append(row, ",1,"...), stamp, 10)
	w.rows[i].add(append(row, ",null]"...))
}

// state takes the Base64 of a piece of a document, and decodes it into w.scratch. json is
// the member.
func (w *writes) state(l *line) (text string, json []byte) {
	json = l.members["state"]
	text = l.text("state", 0, abi.MaxValueBytes)
	if l.err != nil {
		return "", nil
	}
	var err error
	if w.scratch, err = store.AppendBase64(w.scratch[:0], []byte(text)); err != nil {
		l.fail(`"state" is not Base64`)
	}
	return text, json
}

func (w *writes) document(l *line) {
	o := owner{room: l.text("document", 1, maxRoomBytes), updatedAt: l.integer("updated_at", 0)}
	key := ijson.AppendString([]byte{'['}, o.room)
	key = strconv.AppendInt(append(key, ','), o.updatedAt, 10)
	if l.has("part") {
		n := l.part()
		state, json := w.state(l)
		w.addPart(l, o, n, json)
		w.documentParts.addState(strconv.AppendInt(append(key, ','), n, 10), state, l.err)
		return
	}
	parts := l.integer("parts", 0)
	state, json := w.state(l)
	key = strconv.AppendInt(append(key, ','), parts, 10)
	w.rooms = append(w.rooms, o.room)
	w.addMain(l, whole{owner: o, size: parts, main: json}, parts == 0, w.scratch)
	w.documents.addState(key, state, l.err)
}

func (w *writes) version(l *line) {
	o := owner{version: l.text("version", 1, maxNameBytes), room: l.text("document", 1, maxRoomBytes)}
	key := ijson.AppendString(append(ijson.AppendString([]byte{'['}, o.room), ','), o.version)
	if l.has("part") {
		n := l.part()
		state, json := w.state(l)
		w.addPart(l, o, n, json)
		w.versionParts.addState(strconv.AppendInt(append(key, ','), n, 10), state, l.err)
		return
	}
	size := l.integer("bytes", 0)
	key = strconv.AppendInt(append(key, ','), size, 10)
	key = ijson.AppendString(append(key, ','), l.text("name", 0, maxNameBytes))
	key = ijson.AppendString(append(key, ','), l.text("subject", 0, maxTextBytes))
	key = strconv.AppendInt(append(key, ','), l.integer("created_at", 0), 10)
	state, json := w.state(l)
	w.addMain(l, whole{owner: o, size: size, main: json}, int64(len(w.scratch)) == size, w.scratch)
	w.versions.addState(key, state, l.err)
}

// part takes the number of a part that is not the main one.
func (l *line) part() int64 {
	n := l.integer("part", 1)
	if n >= mainPart {
		l.fail(`"part" must be below %d`, int64(mainPart))
	}
	return n
}

func (w *writes) sequence(l *line) {
	id, seq, floor := l.id("project"), l.integer("seq", 0), l.integer("floor", 0)
	if l.err == nil && floor > seq {
		l.fail(`"floor" must not be greater than "seq"`)
	}
	if l.err == nil {
		row := strconv.AppendInt(append(ijson.AppendString([]byte{'['}, id), ','), seq, 10)
		w.sequences.add(append(strconv.AppendInt(append(row, ','), floor, 10), ']'))
	}
}

func (w *writes) collection(l *line) {
	name := project.Name(l.text("collection", 1, maxNameBytes))
	c := project.Find(name)
	if c == nil {
		l.fail("unknown collection %.64q", string(name))
		return
	}
	owner := l.id("project")
	seq, created := l.integer("seq", 1), l.integer("created_seq", 1)
	version, deleted := l.integer("server_version", 1), l.nullable("deleted_version", 1)
	changed, value := l.raw("changed"), l.raw("value")
	if l.err != nil {
		return
	}
	row, err := wholeRow(c, value)
	if err == nil {
		err = checkChanged(c, changed, version)
	}
	if err == nil && name == project.Projects && row.ID != owner {
		err = errors.New(`the id of a project must be its "project"`)
	}
	if err == nil && created > seq {
		err = errors.New(`"created_seq" must not be greater than "seq"`)
	}
	if err != nil {
		l.err = err
		return
	}
	b := ijson.AppendString([]byte{'['}, row.ID)
	b = ijson.AppendString(append(b, ','), owner)
	b = append(append(strconv.AppendInt(append(b, ','), version, 10), ','), deleted...)
	b = strconv.AppendInt(append(b, ','), seq, 10)
	b = strconv.AppendInt(append(b, ','), created, 10)
	b = append(append(append(b, ','), changed...), ',')
	w.collections[name.Index()].add(append(row.AppendJSON(b), ']'))
}

// wholeRow reads the row of a collection, which has an id and every field.
func wholeRow(c *project.Collection, value []byte) (project.Row, error) {
	row, err := c.DecodeCreate(value)
	if err != nil {
		return row, err
	}
	if row.ID == "" {
		return row, errors.New("id: is required")
	}
	for i := range c.Fields {
		if _, has := row.Value(c.Fields[i].Name); !has {
			return row, fmt.Errorf("%s: is required", c.Fields[i].Name)
		}
	}
	return row, nil
}

// checkChanged checks the fields that were changed since the insert, each with the version
// of the row at its last change.
func checkChanged(c *project.Collection, changed []byte, version int64) error {
	members, err := ijson.Members(changed, 1)
	if err != nil {
		return errors.New(`"changed" must be an object of fields and versions`)
	}
	for name, raw := range members {
		if c.Field(name) == nil {
			return fmt.Errorf("unknown field %.64q in \"changed\"", name)
		}
		if n, problem := integerOf(raw); problem || n < 1 || n > version {
			return fmt.Errorf("the version of %q in \"changed\" must be a whole number from 1 to %d", name, version)
		}
	}
	return nil
}
