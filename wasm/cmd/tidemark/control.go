//go:build !js

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tidemark/wasm/edge"
)

// controlName is the file of the data folder that says how the commands reach the server that
// uses the folder. Who may read the folder may ask that server for a backup.
const controlName = "control"

// controlBytes is a limit for a request, and for a line of a response.
const controlBytes = 64 << 10

// A contact is what the file has.
type contact struct {
	Address string `json:"address"` // of a listener on this machine
	Secret  string `json:"secret"`
}

// A backupRequest asks a server for a backup. Its response is a line of JSON for each backupNews.
type backupRequest struct {
	To string `json:"to"` // an absolute path
}

// A backupNews says how far a backup is, or how it ended.
type backupNews struct {
	Done  int    `json:"done"` // files
	Files int    `json:"files"`
	Bytes int64  `json:"bytes,omitempty"` // of the whole backup
	Error string `json:"error,omitempty"`
	Whole bool   `json:"whole,omitempty"`
}

// A control serves the commands of this machine, on a listener of its own: the public one has
// tokens of the app, and none of them may write to a folder of the machine.
type control struct {
	file    string
	server  *http.Server
	backups sync.WaitGroup // that run
	closed  chan struct{}
	writing sync.WaitGroup
}

// controlPatience is how long after a failure the file is written again.
const controlPatience = 10 * time.Second

// write writes the file. If it cannot, as on a full disk, the server serves without it, and
// write tries again.
func (c *control) write(text []byte, log *slog.Logger) {
	err := edge.WriteWhole(c.file, text) // 0600
	if err == nil {
		return
	}
	log.Error("the backup command does not reach this server yet", "err", err)
	c.writing.Go(func() {
		for err != nil {
			select {
			case <-c.closed:
				return
			case <-time.After(controlPatience):
			}
			err = edge.WriteWhole(c.file, text)
		}
		log.Info("the backup command reaches this server")
	})
}

// openControl listens until close.
func openControl(data string, worker *edge.Worker, log *slog.Logger) (*control, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	here := contact{Address: listener.Addr().String(), Secret: rand.Text()}
	text, err := json.Marshal(here)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c := &control{file: filepath.Join(data, controlName), closed: make(chan struct{})}
	c.write(text, log)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(here.Secret)) != 1 {
			http.Error(w, "the secret is another", http.StatusForbidden)
			return
		}
		c.backups.Add(1)
		defer c.backups.Done()
		serveBackup(w, r, worker, log)
	})
	c.server = &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	go c.server.Serve(listener)
	return c, nil
}

// close ends what runs, and waits for its end.
func (c *control) close() error {
	close(c.closed)
	c.writing.Wait()
	err := c.server.Close()
	if removed := os.Remove(c.file); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	c.backups.Wait()
	return err
}

// serveBackup makes a backup while the client waits. If the client goes, so does the backup.
func serveBackup(w http.ResponseWriter, r *http.Request, worker *edge.Worker, log *slog.Logger) {
	var request backupRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBytes)).Decode(&request); err != nil || !filepath.IsAbs(request.To) {
		http.Error(w, "want the path of a folder", http.StatusBadRequest)
		return
	}
	say := func(news backupNews) {
		json.NewEncoder(w).Encode(news)
		http.NewResponseController(w).Flush()
	}
	say(backupNews{})
	manifest, err := worker.Backup(r.Context(), backupOptions(request.To, func(done, files int) { say(backupNews{Done: done, Files: files}) }))
	if err != nil {
		log.Error("no backup", "to", request.To, "err", err)
		say(backupNews{Error: err.Error()})
		return
	}
	log.Info("backup", "to", request.To, "files", len(manifest.Files), "bytes", manifest.Bytes())
	say(backupNews{Done: len(manifest.Files), Files: len(manifest.Files), Bytes: manifest.Bytes(), Whole: true})
}

// errNoServer means that no server uses the data folder.
var errNoServer = errors.New("no server uses the folder")

// askBackup asks the server of a data folder for a backup, and says how it goes on.
func askBackup(ctx context.Context, data string, request backupRequest, say func(backupNews)) error {
	text, err := os.ReadFile(filepath.Join(data, controlName))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoServer
	}
	if err != nil {
		return err
	}
	var there contact
	if err := json.Unmarshal(text, &there); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(data, controlName), err)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+there.Address+"/backup", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", there.Secret)
	client := http.Client{Transport: &http.Transport{}} // without a proxy
	response, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", errNoServer, err) // the file is of a server that was killed
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s responded %s", errNoServer, there.Address, response.Status) // another process has its port
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, controlBytes)
	for lines.Scan() {
		var news backupNews
		if err := json.Unmarshal(lines.Bytes(), &news); err != nil {
			return fmt.Errorf("the server's response: %w", err)
		}
		if news.Error != "" {
			return errors.New(news.Error)
		}
		say(news)
		if news.Whole {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(errors.New("the server ended before the backup was whole"), lines.Err())
}
