//go:build !js

// Package metrics keeps the metrics of a server for Prometheus: those that the guest reports,
// and those of the host. Package metric of shared has their names.
//
// Every method may be called by several goroutines at a time. A value that was seen before costs
// a lookup and an addition.
package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidemark/shared/metric"
)

const (
	// Unknown is the route of a request that no route of the guest has served.
	Unknown = "unknown"
	// Assets is the route of all static files.
	Assets = "assets"
	// other stands for a label that is one too many, and for a method that HTTP does not know.
	other = "other"
	// mostLabels bounds the sets of labels of one metric.
	mostLabels = 4096
)

// The buckets of the histograms, in seconds.
var (
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	batchBuckets   = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}
)

// Metrics are the metrics of one server.
type Metrics struct {
	registry *prometheus.Registry
	counters [metric.LastOfGuest + 1]*counters
	gauges   [metric.LastOfGuest + 1]*gauges
	minutes  *minutes

	ended    *counters
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	batches  *prometheus.HistogramVec

	mu    sync.RWMutex
	known map[requestKey]requestSeries
}

// New returns metrics that are all 0. now is the clock of Oldest gauges and of the minutes; nil: the wall clock.
func New(now func() time.Time) *Metrics {
	if now == nil {
		now = time.Now
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		ended:    newCounters(metric.InstancesEnded),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: name(metric.Requests), Help: help(metric.Requests)}, labels(metric.Requests)),
		seconds:  newHistogram(metric.RequestSeconds, requestBuckets),
		batches:  newHistogram(metric.BatchSeconds, batchBuckets),
		known:    map[requestKey]requestSeries{},
		minutes:  newMinutes(now),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.ended.vec, m.requests, m.seconds, m.batches)
	for number := metric.Metric(1); number <= metric.LastOfGuest; number++ {
		switch metric.Of(number).Kind {
		case metric.Counter:
			m.counters[number] = newCounters(number)
			m.registry.MustRegister(m.counters[number].vec)
		case metric.Gauge, metric.Oldest:
			g := &gauges{of: map[Source]float64{}}
			m.gauges[number] = g
			read := g.sum
			if metric.Of(number).Kind == metric.Oldest {
				read = func() float64 { return g.age(now()) }
			}
			m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name(number), Help: help(number)}, read))
		}
	}
	return m
}

func name(m metric.Metric) string     { return metric.Of(m).Name }
func help(m metric.Metric) string     { return metric.Of(m).Help }
func labels(m metric.Metric) []string { return metric.Of(m).Labels }

func newHistogram(m metric.Metric, buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name(m), Help: help(m), Buckets: buckets}, labels(m))
}

// Handler serves the metrics as text.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Register adds metrics, such as those of a command.
func (m *Metrics) Register(c prometheus.Collector) error { return m.registry.Register(c) }

// Gauge adds a gauge of the host that read returns at each scrape, without labels.
func (m *Metrics) Gauge(number metric.Metric, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name(number), Help: help(number)}, read))
}

// GaugeOf is Gauge for one value of the only label.
func (m *Metrics) GaugeOf(number metric.Metric, value string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name(number), Help: help(number), ConstLabels: prometheus.Labels{labels(number)[0]: value},
	}, read))
}

// A Source is what a gauge of the guest is of: an object, or the zero value for the Worker.
type Source struct{ Class, Name string }

// Report takes a frame of the guest. It ignores what is malformed.
func (m *Metrics) Report(from Source, frame []byte) {
	for len(frame) > 0 {
		number, value, labels, rest, err := metric.Cut(frame)
		if err != nil {
			return
		}
		if c := m.counters[number]; c != nil {
			c.add(labels, value)
			m.minutes.count(number, value)
		} else {
			m.gauges[number].set(from, value)
		}
		frame = rest
	}
}

// Forget drops the gauges of an object that was erased.
func (m *Metrics) Forget(from Source) {
	for _, g := range m.gauges {
		if g != nil {
			g.set(from, 0)
		}
	}
}

// InstanceEnded counts an instance that ended.
func (m *Metrics) InstanceEnded(reason string) {
	m.ended.add([]byte(reason), 1)
	m.minutes.instanceEnded(reason)
}

// Socket counts sockets that were opened, or closed if n is negative.
func (m *Metrics) Socket(n int64) { m.minutes.socket(n) }

// Recent returns what was counted in the last 60 minutes.
func (m *Metrics) Recent() Recent { return m.minutes.recent() }

// Sum returns the value of a gauge of the guest, over all sources.
func (m *Metrics) Sum(number metric.Metric) float64 { return m.gauges[number].sum() }

// Age returns the value of an Oldest gauge of the guest, at a time.
func (m *Metrics) Age(number metric.Metric, now time.Time) float64 { return m.gauges[number].age(now) }

// Each returns the values of a gauge of the guest, without those that are 0.
func (m *Metrics) Each(number metric.Metric) map[Source]float64 { return m.gauges[number].each() }

type requestKey struct {
	route, method string
	status        int
}

type requestSeries struct {
	count   prometheus.Counter
	seconds prometheus.Observer
}

// methods are those that have a label of their own.
var methods = map[string]bool{
	"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true,
}

// Request counts a request, which ended at a time. route is the pattern of its route; "": Unknown.
func (m *Metrics) Request(route, method string, status int, ended time.Time, took time.Duration) {
	if route == "" {
		route = Unknown
	}
	if !methods[method] {
		method = other
	}
	key := requestKey{route, method, status}
	m.mu.RLock()
	series, ok := m.known[key]
	m.mu.RUnlock()
	if !ok {
		series = m.newSeries(key)
	}
	m.minutes.request(status, ended)
	series.count.Inc()
	series.seconds.Observe(took.Seconds())
}

func (m *Metrics) newSeries(key requestKey) requestSeries {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= mostLabels {
		key.route = other
	}
	series, ok := m.known[key]
	if !ok {
		key.route = strings.Clone(key.route) // it may be a part of the response's head
		series = requestSeries{
			m.requests.WithLabelValues(key.route, key.method, strconv.Itoa(key.status)), m.seconds.WithLabelValues(key.route),
		}
		m.known[key] = series
	}
	return series
}

// Batch returns where the seconds of batches in a database go. The caller keeps it.
func (m *Metrics) Batch(database string) prometheus.Observer {
	return m.batches.WithLabelValues(database)
}
