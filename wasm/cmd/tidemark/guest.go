//go:build !js

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	guestPackage = "./worker"
	guestFile    = "build/tidemark.wasm"
)

// readGuest returns the guest's Wasm. It reads file, if there is one. Otherwise it
// builds the module in dir, or reads the result of an earlier build there.
func readGuest(file, dir string) ([]byte, error) {
	if file != "" {
		return os.ReadFile(file)
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

func canBuild(dir string) bool {
	_, errGo := exec.LookPath("go")
	_, errModule := os.Stat(filepath.Join(dir, "go.mod"))
	_, errPackage := os.Stat(filepath.Join(dir, guestPackage))
	return errGo == nil && errModule == nil && errPackage == nil
}

func buildGuest(dir string) error {
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", guestFile, guestPackage)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest: %w\n%s", err, out)
	}
	return nil
}
