//go:build !js

package metrics_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidemark/shared/metric"
	"tidemark/wasm/metrics"
)

// scrape returns the lines of the metrics of this project.
func scrape(m *metrics.Metrics) map[string]bool {
	rw := httptest.NewRecorder()
	m.Handler().ServeHTTP(rw, httptest.NewRequest("GET", "/metrics", nil))
	lines := map[string]bool{}
	for line := range strings.SplitSeq(rw.Body.String(), "\n") {
		if strings.HasPrefix(line, "tidemark_") {
			lines[line] = true
		}
	}
	return lines
}

func wants(t *testing.T, m *metrics.Metrics, lines ...string) {
	t.Helper()
	got := scrape(m)
	for _, line := range lines {
		if !got[line] {
			t.Errorf("no line %s in %v", line, got)
		}
	}
}

func TestCountersAddUpAndGaugesAreOfEachObject(t *testing.T) { // M2
	now := time.Unix(1_700_000_100, 0)
	m := metrics.New(func() time.Time { return now })
	wants(t, m, `tidemark_yjs_updates_total 0`, `tidemark_yjs_bytes_total{direction="in"} 0`, `tidemark_copies_behind_seconds 0`, `tidemark_webhooks_waiting 0`)
	report := func(from metrics.Source, counts ...metric.Count) { m.Report(from, metric.Append(nil, counts)) }
	one, two := metrics.Source{Class: "C", Name: "one"}, metrics.Source{Class: "C", Name: "two"}
	report(one, metric.Count{Metric: metric.PushRows, Value: 2, Labels: "a\x00created"}, metric.Count{Metric: metric.YjsUpdates, Value: 1})
	report(two, metric.Count{Metric: metric.PushRows, Value: 3, Labels: "a\x00created"})
	report(one, metric.Count{Metric: metric.WebhooksWaiting, Value: 5}, metric.Count{Metric: metric.CopiesBehind, Value: 1_700_000_000})
	report(two, metric.Count{Metric: metric.WebhooksWaiting, Value: 7}, metric.Count{Metric: metric.CopiesBehind, Value: 1_700_000_040})
	wants(t, m, `tidemark_push_rows_total{outcome="created",table="a"} 5`, `tidemark_yjs_updates_total 1`, `tidemark_webhooks_waiting 12`, `tidemark_copies_behind_seconds 100`)
	report(one, metric.Count{Metric: metric.WebhooksWaiting, Value: 6}, metric.Count{Metric: metric.CopiesBehind})
	wants(t, m, `tidemark_webhooks_waiting 13`, `tidemark_copies_behind_seconds 60`)
	report(two, metric.Count{Metric: metric.WebhooksWaiting}, metric.Count{Metric: metric.CopiesBehind})
	wants(t, m, `tidemark_webhooks_waiting 6`, `tidemark_copies_behind_seconds 0`)
}

func TestWhatIsMalformedIsIgnored(t *testing.T) {
	m := metrics.New(nil)
	before := len(scrape(m))
	m.Report(metrics.Source{}, []byte{250, 1, 2})
	m.Report(metrics.Source{}, metric.Append(nil, []metric.Count{
		{Metric: metric.PushRows, Value: 1, Labels: "one"}, {Metric: metric.PullRows, Value: 1, Labels: "\xff"}, {Metric: metric.YjsUpdates, Value: -1},
	}))
	if after := len(scrape(m)); after != before {
		t.Errorf("%d lines, and %d before", after, before)
	}
	wants(t, m, `tidemark_yjs_updates_total 0`)
}

// Each set of labels is memory for ever.
func TestTheSetsOfLabelsAreBounded(t *testing.T) {
	m := metrics.New(nil)
	for i := range 5000 {
		m.Report(metrics.Source{}, metric.Append(nil, []metric.Count{{Metric: metric.PullRows, Value: 1, Labels: fmt.Sprint("t", i)}}))
		m.Request(fmt.Sprint("/r", i), fmt.Sprint("M", i), 200, start, time.Millisecond)
	}
	wants(t, m, `tidemark_pull_rows_total{table="other"} 904`, `tidemark_requests_total{method="other",route="other",status="200"} 904`)
	m.Request("", "GET", 404, start, time.Millisecond)
	wants(t, m, `tidemark_requests_total{method="GET",route="other",status="404"} 1`)
}

func TestARequestIsCountedByItsRoute(t *testing.T) {
	m := metrics.New(nil)
	for range 2 {
		m.Request("/yjs/{room}", "GET", 200, start, 30*time.Millisecond)
	}
	m.Request("", "PROPFIND", 404, start, time.Second)
	wants(t, m, `tidemark_requests_total{method="GET",route="/yjs/{room}",status="200"} 2`, `tidemark_requests_total{method="other",route="unknown",status="404"} 1`,
		`tidemark_request_seconds_bucket{route="/yjs/{room}",le="0.025"} 0`, `tidemark_request_seconds_bucket{route="/yjs/{room}",le="0.05"} 2`)
}

func BenchmarkARequestIsCounted(b *testing.B) {
	m := metrics.New(nil)
	b.ReportAllocs()
	for b.Loop() {
		m.Request("/yjs/{room}", "GET", 200, start, time.Millisecond)
	}
}
