//go:build !js

package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidemark/wasm/edge"
)

const (
	guestPackage = "./worker"
	guestFile    = "build/tidemark.wasm"
	guestFlags   = "worker/goflags"
	insideGuest  = "tidemark.wasm.gz"
)

// readGuest returns the guest's Wasm. It reads file, if there is one, or else the guest inside.
// Without them it builds the module in dir, or reads the result of an earlier build there.
func readGuest(file string, within fs.FS, dir string) ([]byte, error) {
	if file != "" {
		return os.ReadFile(file)
	}
	if within != nil {
		return unpackGuest(within)
	}
	built := filepath.Join(dir, guestFile)
	if canBuild(dir) {
		if err := buildGuest(dir); err != nil {
			return nil, err
		}
	}
	wasm, err := os.ReadFile(built)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s, and no Go toolchain or no %s to build it: name a guest with --wasm",
			built, filepath.Join(dir, guestPackage))
	}
	return wasm, err
}

// compilePatience is the time after which the log says what the command waits for.
const compilePatience = time.Second

// compile compiles the guest, or takes it from the folder cache. The log says so if it takes long.
func compile(wasm []byte, cache string, log *slog.Logger) (*edge.Module, error) {
	slow := time.AfterFunc(compilePatience, func() {
		log.Info("the guest is being compiled, which takes a while the first time", "cache", cache)
	})
	defer slow.Stop()
	return edge.Compile(context.Background(), wasm, cache)
}

// unpackGuest reads the guest inside, a quarter of the size by gzip.
func unpackGuest(within fs.FS) ([]byte, error) {
	f, err := within.Open(insideGuest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

func canBuild(dir string) bool {
	_, errGo := exec.LookPath("go")
	_, errModule := os.Stat(filepath.Join(dir, "go.mod"))
	_, errPackage := os.Stat(filepath.Join(dir, guestPackage))
	return errGo == nil && errModule == nil && errPackage == nil
}

func buildGuest(dir string) error {
	flags, err := os.ReadFile(filepath.Join(dir, guestFlags))
	if err != nil {
		return fmt.Errorf("build the guest: %w", err)
	}
	command := exec.Command("go", slices.Concat([]string{"build"}, strings.Fields(string(flags)), []string{"-ldflags=-s -w", "-o", guestFile, guestPackage})...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest: %w\n%s", err, out)
	}
	return nil
}
