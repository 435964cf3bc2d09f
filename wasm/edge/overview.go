//go:build !js

package edge

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"tidemark/shared/abi"
	"tidemark/shared/metric"
	"tidemark/wasm/metrics"
)

// overview runs the import overview. It waits for no instance.
func (w *Worker) overview() ([]byte, error) {
	recent := w.metrics.Recent()
	instances, objects := w.metrics.instances.Load(), int64(w.files.count())
	o := abi.Overview{
		Now:       recent.Now.UnixMilli(),
		Server:    abi.OverviewServer{Host: abi.HostSelf, Version: w.version, Of: abi.OfProcess, Since: recent.Since.UnixMilli()},
		Minutes:   make([]abi.OverviewMinute, len(recent.Minutes)),
		Sockets:   w.metrics.openSockets(),
		Instances: &instances, MemoryBytes: w.metrics.memory.Load(), ObjectsOpen: &objects,
		CopiesBehindSeconds: int64(w.metrics.Age(metric.CopiesBehind, recent.Now)),
		WebhooksWaiting:     int64(w.metrics.Sum(metric.WebhooksWaiting)),
		Backup:              w.lastBackup.overview(),
		Ended: abi.OverviewEnded{
			Memory: recent.Ended[metric.EndedMemory], TooLong: recent.Ended[metric.EndedTooLong], Failed: recent.Ended[metric.EndedFailed],
		},
		Copies: w.metrics.lateCopies(recent.Now),
	}
	for i, m := range recent.Minutes {
		o.Minutes[i] = abi.OverviewMinute(m)
	}
	return json.Marshal(o)
}

// openSockets counts the open sockets by the kind of their room.
func (c *counted) openSockets() abi.OverviewSockets {
	of := map[string]int64{}
	for class, n := range c.sockets {
		of[kindOf(class)] = n.Load()
	}
	return abi.OverviewSockets{Sync: of["sync"], Yjs: of["yjs"], Space: of["space"], SpaceYjs: of["space_yjs"]}
}

// lateCopies returns the documents whose copies failed or are late.
func (c *counted) lateCopies(now time.Time) []abi.OverviewCopy {
	failures, due := c.Each(metric.CopyFailures), c.Each(metric.CopiesLate)
	copies := []abi.OverviewCopy{}
	add := func(from metrics.Source) {
		late := int64(0)
		if at := due[from]; at > 0 {
			late = max(now.Unix()-int64(at), 0)
		}
		if failed := int64(failures[from]); failed > 0 || late > 0 {
			copies = append(copies, abi.OverviewCopy{Class: from.Class, Name: from.Name, Failures: failed, LateSeconds: late})
		}
	}
	for from := range failures {
		add(from)
	}
	for from := range due {
		if failures[from] == 0 {
			add(from)
		}
	}
	slices.SortFunc(copies, func(a, b abi.OverviewCopy) int {
		return cmp.Or(cmp.Compare(b.Failures, a.Failures), cmp.Compare(b.LateSeconds, a.LateSeconds), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name))
	})
	return copies[:min(len(copies), abi.OverviewCopies)]
}

// A lastBackup is what the Worker knows of backups: those in a folder when it began, and its own.
type lastBackup struct {
	on bool         // the program makes them from time to time
	at atomic.Int64 // the instant of the last whole one, in Unix milliseconds; 0: none is known
}

func (l *lastBackup) open(b *Backups, log *slog.Logger) {
	if l.on = b != nil; b == nil {
		return
	}
	_, m, err := b.Last()
	if err != nil {
		log.Warn("the last backup was not read", "folder", b.Folder, "err", err)
	} else if m != nil {
		l.at.Store(m.At.UnixMilli())
	}
}

func (l *lastBackup) overview() abi.OverviewBackup {
	b := abi.OverviewBackup{Here: true, On: l.on}
	if at := l.at.Load(); at > 0 {
		b.Last = &at
	}
	return b
}
