// Package logline makes the lines of the guest's log: objects of JSON, as log/slog makes them.
// That package takes more of the guest's compressed size than all lines are worth.
package logline

import (
	"fmt"
	"time"

	"tidemark/shared/ijson"
	"tidemark/shared/jsonvalue"
)

// A Logger writes lines.
type Logger struct {
	write func(line []byte) // one line, with its end
	now   func() time.Time
	with  []byte // the members that every line has
}

// New returns a logger that hands each line to write.
func New(write func(line []byte), now func() time.Time) *Logger {
	return &Logger{write: write, now: now}
}

// With returns a logger whose lines have the members of args, too: names and values by turns.
func (l *Logger) With(args ...any) *Logger {
	return &Logger{l.write, l.now, appendMembers(append([]byte(nil), l.with...), args)}
}

// Info writes a line about what is as it should be.
func (l *Logger) Info(message string, args ...any) { l.line("INFO", message, args) }

// Warn writes a line about what the server gets over by itself.
func (l *Logger) Warn(message string, args ...any) { l.line("WARN", message, args) }

// Error writes a line about what an operator should look at.
func (l *Logger) Error(message string, args ...any) { l.line("ERROR", message, args) }

func (l *Logger) line(level, message string, args []any) {
	b := l.now().AppendFormat([]byte(`{"time":"`), time.RFC3339Nano)
	b = append(append(b, `","level":"`...), level...)
	b = ijson.AppendString(append(b, `","msg":`...), message)
	b = appendMembers(append(b, l.with...), args)
	l.write(append(b, "}\n"...))
}

func appendMembers(b []byte, args []any) []byte {
	for i := 0; i+1 < len(args); i += 2 {
		b = append(ijson.AppendString(append(b, ','), fmt.Sprint(args[i])), ':')
		b = appendValue(b, args[i+1])
	}
	return b
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return ijson.AppendString(b, v)
	case error:
		return ijson.AppendString(b, v.Error())
	}
	text, err := jsonvalue.Marshal(value)
	if err != nil {
		return ijson.AppendString(b, fmt.Sprint(value))
	}
	return append(b, text...)
}
