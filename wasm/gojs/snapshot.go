//go:build !js

package gojs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// A Snapshot is a program in the middle of its work, while it waits. Any number of processes may
// go on from there, at the same time. What the program chose before, at random or by its
// arguments, environment and clock, is the same in all of them.
type Snapshot struct {
	program *Program
	image   *image
	globals []uint64
	refs    refs
	// goObject is the Go object of the runtime.
	goObject *Object
	started  time.Time
}

// Snapshot takes a snapshot of the process, which goes on. The caller closes it.
func (p *Process) Snapshot() (*Snapshot, error) {
	if p.err != nil {
		return nil, p.err
	}
	if len(p.queue) > 0 {
		return nil, errors.New("gojs: a snapshot of a program that has not finished its events")
	}
	s := &Snapshot{program: p.program, started: p.started, image: newImage(p.mem)}
	for n := range p.program.globals {
		s.globals = append(s.globals, p.global(n).Get())
	}
	if err := s.image.share(p.linear, p.mem); err != nil {
		s.Close()
		return nil, fmt.Errorf("gojs: snapshot: %w", err)
	}
	s.refs, s.goObject = cloneWorld(&p.refs, p.goObject)
	return s, nil
}

// Start goes on from the snapshot. The program has the arguments and the environment that it had.
// The caller closes the process.
func (s *Snapshot) Start(ctx context.Context, config Config) (*Process, error) {
	refs, goObject := cloneWorld(&s.refs, s.goObject)
	p, err := s.program.instantiate(ctx, config, refs, goObject)
	if err != nil {
		return nil, err
	}
	if err := s.restore(p); err != nil {
		p.Close()
		return nil, fmt.Errorf("gojs: restore a snapshot: %w", err)
	}
	return p, nil
}

func (s *Snapshot) restore(p *Process) error {
	if more := s.image.size - len(p.mem); more > 0 {
		if _, ok := p.module.Memory().Grow(uint32(more / pageBytes)); !ok {
			return errors.New("no memory")
		}
		p.refresh()
	}
	if err := s.image.fill(p.linear, p.mem); err != nil {
		return err
	}
	for n, v := range s.globals {
		p.global(n).Set(v)
	}
	p.started = s.started
	return nil
}

// pageBytes is a page of linear memory.
const pageBytes = 64 << 10

// global returns a global of the module.
func (p *Process) global(n int) api.MutableGlobal {
	return p.module.ExportedGlobal(globalPrefix + strconv.Itoa(n)).(api.MutableGlobal)
}

// Close frees the snapshot. Processes that were started from it go on.
func (s *Snapshot) Close() error { return s.image.close() }

// cloneWorld returns copies of a table of values and the Go object, and of all objects that they reach.
// A function is never changed, and stays the same.
func cloneWorld(r *refs, goObject *Object) (refs, *Object) {
	c := cloner{}
	clone := refs{counts: append([]int32(nil), r.counts...), free: append([]uint32(nil), r.free...), ids: make(map[Value]uint32, len(r.ids))}
	for _, v := range r.values {
		clone.values = append(clone.values, c.clone(v))
	}
	for v, id := range r.ids {
		clone.ids[c.clone(v)] = id
	}
	return clone, c.clone(goObject).(*Object)
}

// A cloner has the copy of each value that it has copied.
type cloner map[Value]Value

func (c cloner) clone(v Value) Value {
	if copied, ok := c[v]; ok {
		return copied
	}
	switch v := v.(type) {
	case *Object:
		o := &Object{Name: v.Name, Open: v.Open, Props: make(map[string]Value, len(v.Props))}
		c[v] = o
		for name, p := range v.Props {
			o.Props[name] = c.clone(p)
		}
		return o
	case *Array:
		a := &Array{make([]Value, len(v.Items))}
		c[v] = a
		for n, item := range v.Items {
			a.Items[n] = c.clone(item)
		}
		return a
	case *Bytes:
		b := &Bytes{append([]byte(nil), v.Data...)}
		c[v] = b
		return b
	}
	return v
}
