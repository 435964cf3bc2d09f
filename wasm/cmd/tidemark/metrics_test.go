//go:build !js

package main

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// Two servers on one machine are usual. operate.md, M1.
func TestATakenDefaultPortOfTheMetricsIsAWarningAndATakenPortOfTheFlagAnError(t *testing.T) {
	if l, err := net.Listen("tcp", defaultMetricsAddr); err == nil { // or another process has it
		defer l.Close()
	}
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	if l, err := listenMetrics("", log); l != nil || err != nil || !strings.Contains(text.String(), "level=WARN") || !strings.Contains(text.String(), "--metrics-addr") {
		t.Errorf("the default: %v, %v, %s", l, err, &text)
	}
	if l, err := listenMetrics(defaultMetricsAddr, log); err == nil || !strings.Contains(err.Error(), "--metrics-addr") {
		t.Errorf("the same as a flag: %v, %v", l, err)
	}
	if l, err := listenMetrics(noMetrics, log); l != nil || err != nil {
		t.Errorf("off: %v, %v", l, err)
	}
}

func TestTheFormOfTheLogIsTextOrJSON(t *testing.T) { // M3
	for format, want := range map[string]string{"text": "level=INFO msg=hello a=1", "json": `"level":"INFO","msg":"hello","a":1}`} {
		var text bytes.Buffer
		log, err := newLog(format, &text)
		if err != nil {
			t.Fatal(err)
		}
		if log.Info("hello", "a", 1); !strings.Contains(text.String(), want) {
			t.Errorf("%s: got %s, want %s", format, &text, want)
		}
	}
	if _, err := newLog("xml", nil); err == nil || !strings.Contains(err.Error(), "neither text nor json") {
		t.Errorf("xml: %v", err)
	}
}
