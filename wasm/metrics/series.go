//go:build !js

package metrics

import (
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/shared/metric"
)

// counters are the counters of one metric, by the labels as they are in a frame.
type counters struct {
	vec    *prometheus.CounterVec
	labels int

	mu       sync.RWMutex
	byLabels map[string]prometheus.Counter
}

// newCounters returns the counters of a metric, those of known labels being 0.
func newCounters(number metric.Metric) *counters {
	d := metric.Of(number)
	c := &counters{
		vec:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels),
		labels: len(d.Labels), byLabels: map[string]prometheus.Counter{},
	}
	for _, value := range d.Values {
		c.add([]byte(value), 0)
	}
	if len(d.Labels) == 0 {
		c.add(nil, 0)
	}
	return c
}

func (c *counters) add(labels []byte, value float64) {
	if !(value >= 0) {
		return
	}
	c.mu.RLock()
	counter := c.byLabels[string(labels)]
	c.mu.RUnlock()
	if counter == nil {
		if counter = c.open(string(labels)); counter == nil {
			return
		}
	}
	counter.Add(value)
}

// open returns the counter of labels that are new; nil if they are not those of the metric.
func (c *counters) open(joined string) prometheus.Counter {
	var labels []string
	if c.labels > 0 {
		labels = strings.Split(joined, metric.Separator)
	}
	if len(labels) != c.labels {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byLabels) >= mostLabels {
		for i := range labels {
			labels[i] = other
		}
		return c.vec.WithLabelValues(labels...)
	}
	counter, err := c.vec.GetMetricWithLabelValues(labels...)
	if err != nil { // a label is not UTF-8
		return nil
	}
	c.byLabels[joined] = counter
	return counter
}

// gauges are the values of one metric, without those that are 0.
type gauges struct {
	mu sync.Mutex
	of map[Source]float64
}

func (g *gauges) set(from Source, value float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if value == 0 {
		delete(g.of, from)
		return
	}
	g.of[from] = value
}

func (g *gauges) each() map[Source]float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.of)
}

func (g *gauges) sum() (all float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, value := range g.of {
		all += value
	}
	return all
}

// age is how many seconds ago the earliest of the values was, which are in Unix seconds.
func (g *gauges) age(now time.Time) float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	seconds := float64(now.UnixMilli()) / 1e3
	age := 0.0
	for _, value := range g.of {
		age = max(age, seconds-value)
	}
	return age
}
