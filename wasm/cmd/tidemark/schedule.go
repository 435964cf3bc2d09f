//go:build !js

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"tidemark/wasm/edge"
)

const (
	defaultBackupEvery = time.Hour
	defaultBackupKeep  = 24
	leastBackupEvery   = time.Second
	// busyPause is the time to the next attempt while a command's backup is being made.
	busyPause = 10 * time.Second
)

// A schedule is the backups that a server makes by itself.
type schedule struct {
	backups edge.Backups
	every   time.Duration
	log     *slog.Logger
}

func newSchedule(flags *flag.FlagSet) *schedule {
	s := &schedule{}
	flags.StringVar(&s.backups.Folder, "backup-to", "", "the folder of the backups that the server makes by itself; if empty, none")
	flags.DurationVar(&s.every, "backup-every", defaultBackupEvery, "the time from the beginning of one backup to that of the next")
	flags.IntVar(&s.backups.Keep, "backup-keep", defaultBackupKeep, "how many whole backups are kept")
	return s
}

// check returns an error if the schedule cannot be. data is the data folder.
func (s *schedule) check(data string) (err error) {
	if s.backups.Folder == "" {
		if s.every != defaultBackupEvery || s.backups.Keep != defaultBackupKeep {
			return errors.New("serve: --backup-every and --backup-keep need --backup-to")
		}
		return nil
	}
	if s.every < leastBackupEvery {
		return fmt.Errorf("serve: --backup-every %v is less than %v", s.every, leastBackupEvery)
	}
	if s.backups.Keep < 1 {
		return errors.New("serve: --backup-keep is less than 1")
	}
	if s.backups.Folder, err = filepath.Abs(s.backups.Folder); err != nil {
		return err
	}
	return edge.CheckBackupFolder(s.backups.Folder, data)
}

// folder returns the backups of the schedule, or nil if it makes none.
func (s *schedule) folder() *edge.Backups {
	if s == nil || s.backups.Folder == "" {
		return nil
	}
	return &s.backups
}

// run makes backups until ctx is done. The first one is due when the newest one in the folder is
// old enough.
func (s *schedule) run(ctx context.Context, worker *edge.Worker) {
	if s.backups.Folder == "" {
		return
	}
	if err := s.backups.Sweep(); err != nil {
		s.log.Error("an unfinished backup was not deleted", "err", err)
	}
	begun := time.Time{}
	if _, m, err := s.backups.Last(); err == nil && m != nil {
		begun = m.At
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.wait(begun, time.Now())):
		}
		begun = time.Now()
		err := s.once(ctx, worker)
		if errors.Is(err, edge.ErrBackupRuns) {
			begun = s.soon(begun)
		} else if err != nil && ctx.Err() == nil {
			s.log.Error("no backup", "to", s.backups.Folder, "err", err)
		}
	}
}

// soon is when a backup would have begun after which the next one begins in busyPause.
func (s *schedule) soon(now time.Time) time.Time { return now.Add(min(busyPause-s.every, 0)) }

// wait is the time until the next backup, if the last one began at begun. A time to come is of a clock
// that was set back since.
func (s *schedule) wait(begun, now time.Time) time.Duration {
	return min(begun.Add(s.every).Sub(now), s.every)
}

// startBackups begins to make the backups of the schedule and of commands. The caller ends both,
// before the worker ends. A server whose disk is full serves without commands.
func (s *service) startBackups(ctx context.Context) (end func()) {
	control, err := openControl(s.place.data, s.worker, s.log)
	if err != nil {
		s.log.Error("tidemark backup does not reach this server", "err", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.schedule.run(ctx, s.worker)
	}()
	return sync.OnceFunc(func() {
		cancel()
		if control != nil {
			if err := control.close(); err != nil {
				s.log.Warn("the listener of the commands did not close", "err", err)
			}
		}
		<-ended
	})
}

// once makes a backup, and deletes the oldest if there are too many.
func (s *schedule) once(ctx context.Context, worker *edge.Worker) error {
	begun := time.Now()
	to, err := s.backups.Next(begun)
	if err != nil {
		return err
	}
	o := backupOptions(to, nil)
	o.Chain = true
	if o.Last, _, err = s.backups.Last(); err != nil {
		return err
	}
	m, err := worker.Backup(ctx, o)
	if err != nil {
		return err
	}
	s.log.Info("backup", "to", o.To, "files", len(m.Files), "bytes", m.Bytes(), "duration_ms", time.Since(begun).Milliseconds())
	return s.backups.Sweep()
}
