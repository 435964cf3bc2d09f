//go:build !js

// Command native runs the Yjs benchmark on shared/yjs compiled natively, and
// prints its figures as JSON. Usage: native DATA
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"

	"tidemark/e2e/perf/yjs/bench"
	"tidemark/shared/yjs"
)

func main() {
	figures, err := bench.Run(&engine{}, os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(figures)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type engine struct {
	doc  *yjs.Doc
	kept []*yjs.Doc
	out  []byte
}

func (e *engine) Open() error {
	e.doc = yjs.New(yjs.Options{})
	return nil
}

func (e *engine) Apply(update []byte) ([]byte, error) { return e.doc.Apply(update) }

func (e *engine) Load(update []byte) error { return e.doc.Load(update) }

func (e *engine) Encode(sv []byte) ([]byte, error) { return e.doc.EncodeStateAsUpdate(sv) }

func (e *engine) EncodeAgain(sv []byte) error {
	var known yjs.StateVector
	var err error
	if sv != nil {
		if known, err = yjs.DecodeStateVector(sv); err != nil {
			return err
		}
	}
	e.out, err = e.doc.AppendState(e.out[:0], known)
	return err
}

func (e *engine) StateVector() ([]byte, error) { return e.doc.EncodeStateVector(), nil }

func (e *engine) Keep() error {
	e.kept = append(e.kept, e.doc)
	return e.Open()
}

func (e *engine) Memory() (float64, error) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc), nil
}

func (e *engine) Merge(updates [][]byte) ([]byte, error) { return yjs.MergeUpdates(updates...) }
