package logline

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"
)

// The lines are those of log/slog.
func TestLinesAreThoseOfSlog(t *testing.T) {
	now := time.Date(2026, 11, 30, 14, 5, 6, 789_000_000, time.UTC)
	var got, want bytes.Buffer
	l := New(func(line []byte) { got.Write(line) }, func() time.Time { return now }).With("request_id", "a\"b")
	w := slog.New(slog.NewJSONHandler(&want, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			a.Value = slog.TimeValue(now)
		}
		return a
	}})).With("request_id", "a\"b")
	args := []any{"text", "ä\n", "error", errors.New("it failed"), "number", 7, "large", int64(1 << 53), "share", 0.5, "is", true, "none", nil, "wait", time.Second}
	l.Info("began", args...)
	w.Info("began", args...)
	l.Warn("was slow")
	w.Warn("was slow")
	l.Error("failed", "list", []int{1, 2})
	w.Error("failed", "list", []int{1, 2})
	if got.String() != want.String() {
		t.Errorf("got\n%swant\n%s", &got, &want)
	}
}
