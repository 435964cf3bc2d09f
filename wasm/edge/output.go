//go:build !js

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
)

// An output turns what an instance prints into records of the log. The guest prints one object
// of JSON a line, as slog.JSONHandler makes them; Go's runtime prints text when it ends.
type output struct {
	log  *slog.Logger
	line []byte // so far
}

// maxLine bounds the line that an output keeps.
const maxLine = 64 << 10

func (o *output) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, ended := bytes.Cut(b, []byte{'\n'})
		o.line = append(o.line, line[:min(len(line), max(maxLine-len(o.line), 0))]...)
		if !ended {
			return n, nil
		}
		if len(o.line) > 0 {
			o.record(o.line)
		}
		o.line, b = o.line[:0], rest
	}
}

// record logs one line.
func (o *output) record(line []byte) {
	var members map[string]json.RawMessage
	var level slog.Level
	var text string
	if json.Unmarshal(line, &members) != nil || json.Unmarshal(members["level"], &level) != nil || json.Unmarshal(members["msg"], &text) != nil {
		o.log.Error("the guest printed a line", "line", string(line))
		return
	}
	o.log.LogAttrs(context.Background(), level, text, attributes(line)...)
}

// attributes returns the members of a record in their order, without its time, level and message.
func attributes(line []byte) (attrs []slog.Attr) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.Token() // the brace
	for d.More() {
		name, _ := d.Token()
		var value any
		if d.Decode(&value) != nil {
			return attrs
		}
		switch key, _ := name.(string); key {
		case slog.TimeKey, slog.LevelKey, slog.MessageKey:
		default:
			attrs = append(attrs, slog.Any(key, value))
		}
	}
	return attrs
}
