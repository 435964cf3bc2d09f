//go:build !js

package edge

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/shared/metric"
	"tidemark/wasm/gojs"
	"tidemark/wasm/metrics"
)

// counted is what the Worker itself counts. Atomic numbers serve a scrape while an instance runs.
type counted struct {
	*metrics.Metrics
	instances, memory atomic.Int64
	sockets           map[string]*atomic.Int64       // by class
	batches           map[string]prometheus.Observer // by the binding of a database, or the class of an object
}

// open prepares what is counted of the classes and databases of a Worker.
func (c *counted) open(w *Worker) {
	c.sockets, c.batches = map[string]*atomic.Int64{}, map[string]prometheus.Observer{}
	for _, class := range w.bindings {
		if c.sockets[class] != nil {
			continue
		}
		n := &atomic.Int64{}
		c.sockets[class], c.batches[class] = n, c.Batch(kindOf(class))
		c.GaugeOf(metric.Sockets, kindOf(class), func() float64 { return float64(n.Load()) })
	}
	for binding := range w.d1 {
		c.batches[binding] = c.Batch(binding)
	}
	c.Gauge(metric.Instances, func() float64 { return float64(c.instances.Load()) })
	c.Gauge(metric.InstanceMemory, func() float64 { return float64(c.memory.Load()) })
	c.Gauge(metric.LastBackup, func() float64 { return float64(w.backedUp.Load()) })
	c.Gauge(metric.ObjectsOpen, func() float64 { return float64(w.files.count()) })
}

// socket counts sockets of a class that were opened, or closed if n is negative.
func (c *counted) socket(class string, n int64) {
	c.sockets[class].Add(n)
	c.Socket(n)
}

// took counts a batch that began then.
func (c *counted) took(database string, start time.Time) {
	if seconds := c.batches[database]; seconds != nil {
		seconds.Observe(time.Since(start).Seconds())
	}
}

// kindOf returns the label of a class: "space_yjs" for SpaceYjsRoom.
func kindOf(class string) string {
	var b strings.Builder
	for i, r := range strings.TrimSuffix(class, "Room") {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// count takes a frame of what a call has counted, or for call 0 the event that is running.
func (i *instance) count(call int32, frame []byte) {
	o := i.object
	if c := i.calls[call]; c != nil {
		o = c.object
	}
	from := metrics.Source{}
	if o != nil {
		from = o.source()
	}
	i.s.w.metrics.Report(from, frame)
}

func (o *object) source() metrics.Source { return metrics.Source{Class: o.key.class, Name: o.key.name} }

// measure notes how much memory the instance has.
func (i *instance) measure() {
	if size := len(i.process.Memory()); size != i.size {
		i.s.w.metrics.memory.Add(int64(size - i.size))
		i.size = size
	}
}

// endOf returns the label of the end of an instance by an error; "": it is not counted.
func endOf(err error) string {
	switch {
	case errors.Is(err, errStopped):
		return ""
	case errors.Is(err, errTooLong):
		return metric.EndedTooLong
	case errors.Is(err, gojs.ErrMemory):
		return metric.EndedMemory
	}
	return metric.EndedFailed
}
