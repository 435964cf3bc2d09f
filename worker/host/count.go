//go:build js && wasm

package host

import (
	"fmt"

	"tidemark/shared/abi"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/metric"
)

// counting is what the running event counts. An event never waits, so there is one.
var counting metric.Counts

// Count counts for the object's event that is running, also inside of Enter. A request or an
// alarm counts by metric.Add.
func (o *Object) Count(m metric.Metric, value float64, labels ...string) {
	counting.Add(m, value, labels...)
}

// reported is the memory of a frame, which the host copies at once.
var reported []byte

// report sends what a call counted, or an event if call is 0. It sends nothing if there is nothing.
func report(call int32, counts *metric.Counts) {
	reported = counts.Flush(config.Counts.Flush(reported[:0]))
	if len(reported) > 0 {
		hostCount(call, pointer(reported), int32(len(reported)))
	}
}

// Overview returns what the host has counted of late.
func Overview() (o abi.Overview, err error) {
	handle := hostOverview()
	if err := jsonvalue.Unmarshal(take(handle, hostSize(handle)), &o); err != nil {
		return o, fmt.Errorf("host: overview: %w", err)
	}
	return o, nil
}
