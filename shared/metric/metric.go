// Package metric is what a server counts: the names of all metrics, in one table, and how the
// guest reports what it counted to the host.
//
// Code of the guest counts by Add, with the context of a request or an alarm. The host's side
// of the guest sends the counts of one request or event together, as one frame of the import
// count (package abi). No label may hold an id, a subject, a room or a space: each set of labels
// is a time series for ever.
package metric

import "context"

// A Metric is the number of a metric. The guest reports those up to LastOfGuest; their numbers
// are part of the host ABI.
type Metric uint8

// The metrics of the guest.
const (
	PushRows        Metric = 1 // labels: a declared table, an outcome
	PullRows        Metric = 2 // label: a declared table
	Notifications   Metric = 3
	YjsUpdates      Metric = 4
	YjsBytes        Metric = 5 // label: In or Out
	YjsCompactions  Metric = 6 // label: Done, Failed or Skipped
	CopiesBehind    Metric = 7 // Unix seconds of an object's oldest edit without a copy; 0: none
	Webhooks        Metric = 8 // label: a result
	WebhooksWaiting Metric = 9 // events that wait in the object, or in the root's database
	CopyFailures    Metric = 10
	CopiesLate      Metric = 11 // Unix seconds when the copy of an object's document was to be made; 0: none is to be made

	LastOfGuest = CopiesLate
)

// The metrics of the host.
const (
	Requests Metric = LastOfGuest + 1 + iota
	RequestSeconds
	Sockets
	InstancesEnded
	Instances
	InstanceMemory
	BatchSeconds
	ObjectsOpen
	LastBackup
)

// Labels of the guest's metrics.
const (
	Created    = "created"
	Updated    = "updated"
	Deleted    = "deleted"
	Superseded = "superseded"
	Rejected   = "rejected"

	In  = "in"
	Out = "out"

	Done    = "done"    // a compaction, or an event that the receiver took
	Failed  = "failed"  // a compaction, or a delivery
	Skipped = "skipped" // a compaction for which there was no memory
)

// The reasons for the end of an instance.
const (
	EndedReplaced = "replaced" // it had grown, and was ended after its last call
	EndedIdle     = "idle"     // it was ended to give back memory
	EndedMemory   = "memory"   // it needed more than LIMIT_MEMORY_MB
	EndedTooLong  = "too_long" // it ran for LIMIT_STRETCH_MS without a pause
	EndedFailed   = "failed"   // it exited or trapped
)

// A Kind says what the values of a metric are.
type Kind uint8

const (
	// Counter: the values add up.
	Counter Kind = iota
	// Gauge: a value replaces the last one of the same object, or of the root. The metric is
	// the sum over all.
	Gauge
	// Oldest: as Gauge, of times in Unix seconds; the metric is how many seconds ago the
	// oldest of them was, 0 if there is none.
	Oldest
	// Histogram: seconds, in buckets.
	Histogram
)

// A Definition describes a metric. Labels are the names of its labels, in order. Values are
// those of the only label, or some of them: such counters are 0 from the start.
type Definition struct {
	Metric Metric
	Name   string
	Kind   Kind
	Labels []string
	Values []string
	Help   string
}

// Definitions are all metrics, in the order of their numbers.
var Definitions = []Definition{
	{PushRows, "tidemark_push_rows_total", Counter, []string{"table", "outcome"}, nil, "Rows and deletions of pushes: created, updated, deleted, superseded or rejected."},
	{PullRows, "tidemark_pull_rows_total", Counter, []string{"table"}, nil, "Rows and ids of deleted rows in responses to pulls."},
	{Notifications, "tidemark_notifications_total", Counter, nil, nil, "Messages about changes of tables and projects that were sent to sockets."},
	{YjsUpdates, "tidemark_yjs_updates_total", Counter, nil, nil, "Updates that Yjs rooms stored."},
	{YjsBytes, "tidemark_yjs_bytes_total", Counter, []string{"direction"}, []string{In, Out}, "Bytes of messages that Yjs rooms received (in) and sent (out)."},
	{YjsCompactions, "tidemark_yjs_compactions_total", Counter, []string{"result"}, []string{Done, Failed, Skipped}, "Compactions of a Yjs room's log: done, failed or skipped."},
	{CopiesBehind, "tidemark_copies_behind_seconds", Oldest, nil, nil, "Age of the oldest edit of a document that is not in the database's copy yet."},
	{Webhooks, "tidemark_webhooks_total", Counter, []string{"result"}, []string{Done, Failed}, "Deliveries of webhooks, by their result."},
	{WebhooksWaiting, "tidemark_webhooks_waiting", Gauge, nil, nil, "Webhooks that wait for their delivery."},
	{CopyFailures, "tidemark_copy_failures", Gauge, nil, nil, "Failures in a row to copy a document to the database, of all documents together."},
	{CopiesLate, "tidemark_copies_late_seconds", Oldest, nil, nil, "Time since the copy of a document was to be made, of the latest one; 0: none is late."},

	{Requests, "tidemark_requests_total", Counter, []string{"route", "method", "status"}, nil, "Requests, by the pattern of their route."},
	{RequestSeconds, "tidemark_request_seconds", Histogram, []string{"route"}, nil, "Time from a request's head to the end of its response."},
	{Sockets, "tidemark_sockets", Gauge, []string{"room"}, nil, "Open WebSockets, by the kind of their room."},
	{InstancesEnded, "tidemark_instances_ended_total", Counter, []string{"reason"}, []string{EndedReplaced, EndedIdle, EndedMemory, EndedTooLong, EndedFailed}, "Instances of the guest that ended, by the reason."},
	{Instances, "tidemark_instances", Gauge, nil, nil, "Running instances of the guest."},
	{InstanceMemory, "tidemark_instance_memory_bytes", Gauge, nil, nil, "Linear memory of all running instances together."},
	{BatchSeconds, "tidemark_batch_seconds", Histogram, []string{"database"}, nil, "Time of one batch of SQL statements in a D1 database."},
	{ObjectsOpen, "tidemark_objects_open", Gauge, nil, nil, "Open files of objects."},
	{LastBackup, "tidemark_last_backup_timestamp_seconds", Gauge, nil, nil, "Unix time of the last whole backup since the start; 0: none."},
}

// Of returns the definition of a metric.
func Of(m Metric) *Definition { return &Definitions[m-1] }

// A Count is one value of a metric. Labels are divided by Separator.
type Count struct {
	Metric Metric
	Value  float64
	Labels string
}

// Separator stands between two labels of a Count.
const Separator = "\x00"

// Counts gathers what one request or event counts. A nil *Counts gathers nothing.
type Counts struct{ list []Count }

// Add adds a value. Values of a counter with the same labels add up; otherwise the last value
// counts. A counter needs no value of 0.
func (c *Counts) Add(m Metric, value float64, labels ...string) {
	counter := Of(m).Kind == Counter
	if c == nil || counter && value == 0 {
		return
	}
	joined := join(labels)
	for i := range c.list {
		if has := &c.list[i]; has.Metric == m && has.Labels == joined {
			if counter {
				value += has.Value
			}
			has.Value = value
			return
		}
	}
	c.list = append(c.list, Count{m, value, joined})
}

// Start adds counters of these labels that are 0.
func (c *Counts) Start(m Metric, labels ...string) {
	c.list = append(c.list, Count{Metric: m, Labels: join(labels)})
}

// join is strings.Join with Separator, without a copy of a single label.
func join(labels []string) string {
	switch len(labels) {
	case 0:
		return ""
	case 1:
		return labels[0]
	}
	joined := labels[0]
	for _, label := range labels[1:] {
		joined += Separator + label
	}
	return joined
}

// Flush appends the frame of what was gathered, and empties c. It appends nothing if nothing was.
func (c *Counts) Flush(b []byte) []byte {
	b = Append(b, c.list)
	c.list = c.list[:0]
	return b
}

// Key is the key under which a context has its *Counts.
type Key struct{}

// With returns a context whose counts go to c.
func With(ctx context.Context, c *Counts) context.Context { return context.WithValue(ctx, Key{}, c) }

// Add counts for the request or the alarm of ctx. Without one it does nothing.
//
//	metric.Add(ctx, metric.Webhooks, 1, metric.Done)
//	metric.Add(ctx, metric.WebhooksWaiting, float64(waiting))
func Add(ctx context.Context, m Metric, value float64, labels ...string) {
	counts, _ := ctx.Value(Key{}).(*Counts)
	counts.Add(m, value, labels...)
}
