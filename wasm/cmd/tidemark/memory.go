//go:build !js

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tidemark/wasm/edge"
)

const (
	memoryPoll     = 250 * time.Millisecond
	memoryPatience = 5 * time.Second
	smallBody      = 64 << 10
)

// A memoryGuard delays large requests while the process is near its memory bound.
// It measures Go's memory and that of the instances. It does not
// measure the databases' caches and the compiled guest. They have the quarter of
// the machine that the default bound leaves.
type memoryGuard struct {
	bound    int64 // 0: none
	patience time.Duration
	tight    atomic.Bool
	trim     func() // frees the memory of idle instances
}

// note sets tight when used reaches nine tenths of the bound, and clears it when
// used is below eight tenths.
func (g *memoryGuard) note(used int64) {
	switch {
	case g.bound == 0:
	case used > g.bound/10*9:
		if !g.tight.Swap(true) {
			g.trim()
		}
	case used < g.bound/10*8:
		g.tight.Store(false)
	}
}

// admit delays a request with a large body, or for a WebSocket, while memory is
// tight. It responds 503 if memory stays tight.
func (g *memoryGuard) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		large := r.ContentLength < 0 || r.ContentLength > smallBody || r.Header.Get("Upgrade") != ""
		if large && !g.wait(r.Context()) {
			w.Header().Set("Retry-After", strconv.Itoa(int(memoryPatience/time.Second)))
			w.Header().Set("Connection", "close")
			control := http.NewResponseController(w)
			control.EnableFullDuplex() // otherwise net/http reads the body before it responds
			edge.WriteFailure(w, r, http.StatusServiceUnavailable, "the server is short of memory")
			control.Flush()
			control.SetReadDeadline(time.Now().Add(refusedTime))
			io.Copy(io.Discard, io.LimitReader(r.Body, smallBody))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *memoryGuard) wait(ctx context.Context) bool {
	if !g.tight.Load() {
		return true
	}
	end := time.NewTimer(g.patience)
	defer end.Stop()
	tick := time.NewTicker(memoryPoll)
	defer tick.Stop()
	for g.tight.Load() {
		select {
		case <-ctx.Done():
			return false
		case <-end.C:
			return !g.tight.Load()
		case <-tick.C:
		}
	}
	return true
}

// minMemory is how many bytes one instance and the server need.
const minMemory = 256 << 20

// parseMemory reads a size such as 512M or 2G.
func parseMemory(text string) (int64, error) {
	digits := strings.TrimRight(strings.ToUpper(text), "IB")
	unit := int64(1)
	for n, letter := range "KMGT" {
		if rest, ok := strings.CutSuffix(digits, string(letter)); ok {
			digits, unit = rest, 1<<(10*(n+1))
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > 1<<62/unit {
		return 0, fmt.Errorf("serve: --memory %q is no size such as 512M or 2G", text)
	}
	if n*unit < minMemory {
		return 0, fmt.Errorf("serve: --memory %s is less than the 256M that an instance needs", text)
	}
	return n * unit, nil
}

// defaultMemory returns three quarters of the memory of the machine, or of the
// process's control group; 0 if it is unknown.
func defaultMemory() int64 {
	has := int64(0)
	for _, file := range []struct{ path, prefix string }{
		{"/proc/meminfo", "MemTotal:"}, {"/sys/fs/cgroup/memory.max", ""}, {"/sys/fs/cgroup/memory/memory.limit_in_bytes", ""},
	} {
		text, err := os.ReadFile(file.path)
		if err != nil {
			continue
		}
		if n := firstNumber(string(text), file.prefix); n > 0 && (has == 0 || n < has) {
			has = n
		}
	}
	return has / 4 * 3
}

// firstNumber returns the number after the prefix, in bytes, as in
// "MemTotal: 4 kB"; 0 for "max".
func firstNumber(text, prefix string) int64 {
	fields := strings.Fields(strings.TrimPrefix(text, prefix))
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	if len(fields) > 1 && fields[1] == "kB" {
		n <<= 10
	}
	return n
}
