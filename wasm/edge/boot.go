//go:build !js

package edge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"tidemark/wasm/gojs"
)

// booted is a snapshot of an instance that has booted. The variables of a Worker do not change, so
// only its first instance boots, and the others start from there.
type booted struct {
	mu       sync.Mutex
	snapshot *gojs.Snapshot // nil: no instance has booted
}

// start boots an instance, or starts one from the snapshot.
func (b *booted) start(i *instance, config gojs.Config) (*gojs.Process, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ctx := context.Background()
	if b.snapshot != nil {
		return b.snapshot.Start(ctx, config)
	}
	p, err := i.s.w.module.program.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	i.process = p
	boot := p.Function("boot")
	if boot == nil {
		err = errors.New(`the guest exports no "boot"`)
	} else {
		err = p.Call(boot, make([]uint64, 1)) // for its result
	}
	if err == nil && !i.ready {
		err = errors.New("the guest did not call ready while booting")
	}
	if err == nil {
		b.snapshot, err = p.Snapshot()
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// close frees the snapshot. Instances go on.
func (b *booted) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.snapshot != nil {
		b.snapshot.Close()
		b.snapshot = nil
	}
}

func (s *isolate) boot() (*instance, error) {
	i := &instance{s: s, calls: map[int32]*call{}, handles: map[int32]result{}}
	p, err := s.w.booted.start(i, gojs.Config{
		Env:         map[string]string{"GOGC": "200", "GOMEMLIMIT": "48MiB"},
		Context:     s.w.context(),
		Stderr:      s.w.outputOf(),
		Now:         s.w.clock.Now,
		MemoryBytes: s.w.budget,
		Owner:       i,
		Tick:        i.tick,
	})
	if err != nil {
		return nil, err
	}
	i.process = p
	i.measure()
	for name, f := range map[string]*api.Function{
		"request": &i.exports.request, "object_request": &i.exports.objectRequest, "alarm": &i.exports.alarm,
		"settle": &i.exports.settle, "cancel": &i.exports.cancel, "event": &i.exports.event,
	} {
		if *f = p.Function(name); *f == nil {
			p.Close()
			return nil, fmt.Errorf("the guest exports no %q", name)
		}
	}
	i.booted = len(p.Memory())
	s.alive[i] = true
	s.w.metrics.instances.Add(1)
	return i, nil
}
