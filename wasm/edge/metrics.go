//go:build !js

package edge

import "tidemark/wasm/metrics"

// count takes a frame of what a call has counted, or for call 0 the event that is running.
func (i *instance) count(call int32, frame []byte) {
	o := i.object
	if c := i.calls[call]; c != nil {
		o = c.object
	}
	from := metrics.Source{}
	if o != nil {
		from = metrics.Source{Class: o.key.class, Name: o.key.name}
	}
	i.s.w.metrics.Report(from, frame)
}
