package abi

// An Overview is what a host has counted, for operators: the JSON of the import overview. All hosts
// have the same members. Times are Unix milliseconds.
type Overview struct {
	Now    int64          `json:"now"`
	Server OverviewServer `json:"server"`
	// Minutes are the last ones since the start, at most OverviewMinutes, oldest first. The last one has not ended.
	Minutes []OverviewMinute `json:"minutes"`
	Sockets OverviewSockets  `json:"sockets"` // that are open
	// Instances and ObjectsOpen are nil if the host does not know them.
	Instances   *int64 `json:"instances"`
	MemoryBytes int64  `json:"memory_bytes"` // of the instances
	ObjectsOpen *int64 `json:"objects_open"`
	// CopiesBehindSeconds is the metric CopiesBehind, and WebhooksWaiting the metric of that name.
	CopiesBehindSeconds int64          `json:"copies_behind_seconds"`
	WebhooksWaiting     int64          `json:"webhooks_waiting"`
	Backup              OverviewBackup `json:"backup"`
	Ended               OverviewEnded  `json:"ended"` // instances, in Minutes
	// Copies are the documents whose copy failed or is late, at most OverviewCopies: those that failed
	// most often first.
	Copies []OverviewCopy `json:"copies"`
}

// The bounds of an Overview.
const (
	OverviewMinutes = 60
	OverviewCopies  = 20
)

// An OverviewServer says whose figures those of an Overview are, and since when it counts.
type OverviewServer struct {
	Host    string `json:"host"`    // HostSelf or HostWorkers
	Version string `json:"version"` // of the release, or of the deployment
	Of      string `json:"of"`      // OfProcess or OfIsolate
	Since   int64  `json:"since"`
}

// The texts of an OverviewServer.
const (
	HostSelf    = "self-hosted"
	HostWorkers = "workers"
	OfProcess   = "process"
	OfIsolate   = "isolate"
)

// An OverviewMinute is what was counted in a minute.
type OverviewMinute struct {
	At            int64 `json:"at"` // when it began
	Requests      int64 `json:"requests"`
	Errors        int64 `json:"errors"`  // requests with a status of 500 or more
	Refused       int64 `json:"refused"` // requests with a status of 400 to 499
	PushedRows    int64 `json:"pushed_rows"`
	PulledRows    int64 `json:"pulled_rows"`
	Notifications int64 `json:"notifications"`
	Updates       int64 `json:"updates"`
	Sockets       int64 `json:"sockets"` // the most that were open at a time
}

// OverviewSockets are open sockets by the kind of their room.
type OverviewSockets struct {
	Sync     int64 `json:"sync"`
	Yjs      int64 `json:"yjs"`
	Space    int64 `json:"space"`
	SpaceYjs int64 `json:"space_yjs"`
}

// An OverviewBackup says what a host knows of backups.
type OverviewBackup struct {
	Here bool   `json:"here"` // it is the host that makes them; otherwise it knows nothing of them
	On   bool   `json:"on"`   // it makes them by itself
	Last *int64 `json:"last"` // the instant of the last whole one; nil: it knows of none
}

// OverviewEnded are instances that ended, by the reasons that are not usual.
type OverviewEnded struct {
	Memory  int64 `json:"memory"`
	TooLong int64 `json:"too_long"`
	Failed  int64 `json:"failed"`
}

// An OverviewCopy is an object of a document whose copy in the database failed, or is late.
type OverviewCopy struct {
	Class       string `json:"class"`
	Name        string `json:"name"`
	Failures    int64  `json:"failures"`     // in a row
	LateSeconds int64  `json:"late_seconds"` // since the copy was to be made; 0: it is not late
}
