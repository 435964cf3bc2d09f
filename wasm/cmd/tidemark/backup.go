//go:build !js

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tidemark/wasm/edge"
)

// stampQuery asks a database for the stamp of its last change: the root and each space have one.
const stampQuery = "SELECT stamp FROM Clock"

func backupOptions(to string, progress func(done, files int)) edge.BackupOptions {
	return edge.BackupOptions{To: to, Version: version, Storage: storageNumber, Stamp: stampQuery, Progress: progress}
}

// runBackup makes one backup. If a server uses the data folder, the server makes it.
func runBackup(c *invocation) error {
	data := c.flags.String("data", "data", "the folder of the data")
	to := c.flags.String("to", "", "the folder of the backup: a new one, outside of --data")
	if err := c.parse(); err != nil {
		return err
	}
	if *to == "" {
		return errors.New("backup: --to is needed: a new folder")
	}
	ctx, stop := untilInterrupted()
	defer stop()
	return backup(ctx, *data, *to, os.Stdout, c.log)
}

func backup(ctx context.Context, data, to string, out io.Writer, log *slog.Logger) error {
	to, err := filepath.Abs(to) // for the server, which runs in another folder
	if err != nil {
		return err
	}
	said := time.Now()
	say := func(news backupNews) {
		switch {
		case news.Whole:
			fmt.Fprintf(out, "%s: %d files, %d bytes\n", to, news.Files, news.Bytes)
		case news.Files > 0 && time.Since(said) > time.Second:
			said = time.Now()
			fmt.Fprintf(out, "%d of %d files\n", news.Done, news.Files)
		}
	}
	err = askBackup(ctx, data, backupRequest{To: to}, say)
	if !errors.Is(err, errNoServer) {
		return err
	}
	m, failed := edge.BackupFolder(ctx, data, backupOptions(to, func(done, files int) { say(backupNews{Done: done, Files: files}) }), log)
	if failed != nil {
		return fmt.Errorf("%w (%w)", failed, err)
	}
	say(backupNews{Files: len(m.Files), Bytes: m.Bytes(), Whole: true})
	return nil
}
