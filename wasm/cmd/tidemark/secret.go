//go:build !js

package main

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

const secretBytes = 32

// keyVariables are the variables that name keys of another signer. If one of them
// is set, and the operator has chosen no secret, the command generates none.
var keyVariables = []string{"AUTH_JWKS", "AUTH_JWKS_URL", "AUTH_ISSUER"}

// A secretPlace is the place of the secret of HS256: AUTH_SECRET, or else a file.
// The file is not in the data folder, because a backup of that folder must not
// hold it.
type secretPlace struct {
	data string // the data folder
	file string // "": DIR.secret, beside the data folder DIR
	log  *slog.Logger
}

func newSecretPlace(flags *flag.FlagSet, log *slog.Logger) *secretPlace {
	p := &secretPlace{log: log}
	flags.StringVar(&p.data, "data", "data", "the folder of the data")
	flags.StringVar(&p.file, "secret-file", "", "the file of the secret; if empty it is --data with .secret at its end")
	return p
}

// chosen reports whether the operator has chosen the secret.
func (p *secretPlace) chosen() bool { return os.Getenv("AUTH_SECRET") != "" || p.file != "" }

// onlyKeys returns the name of a variable that makes the server trust only the keys
// of another signer, or "" if there is none. get returns a variable's value.
func (p *secretPlace) onlyKeys(get func(name string) string) string {
	if p.chosen() {
		return ""
	}
	for _, name := range keyVariables {
		if get(name) != "" {
			return name
		}
	}
	return ""
}

func (p *secretPlace) path() (string, error) {
	if p.file != "" {
		return p.file, nil
	}
	folder, err := filepath.Abs(p.data)
	return folder + ".secret", err
}

// oldPath is the file in which earlier releases kept the secret.
func (p *secretPlace) oldPath() string { return filepath.Join(p.data, "auth_secret") }

// known returns the secret. The error is fs.ErrNotExist if there is none.
func (p *secretPlace) known() (string, error) {
	if secret := os.Getenv("AUTH_SECRET"); secret != "" {
		return secret, nil
	}
	file, err := p.path()
	if err != nil {
		return "", err
	}
	if p.file != "" {
		return readSecret(file)
	}
	secret, err := readSecret(file)
	old, errOld := readSecret(p.oldPath())
	if errors.Is(err, fs.ErrNotExist) && !errors.Is(errOld, fs.ErrNotExist) {
		if errOld != nil {
			return "", errOld
		}
		if err := writeSecret(file, old); err != nil {
			return "", err
		}
		p.log.Info("moved the secret out of the data folder", "from", p.oldPath(), "to", file)
		secret, err = readSecret(file)
	}
	if err == nil && old == secret {
		err = os.Remove(p.oldPath())
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // another command removed it
		}
	}
	return secret, err
}

// made returns the secret. It generates one if there is none.
func (p *secretPlace) made() (string, error) {
	if secret, err := p.known(); !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	file, err := p.path()
	if err != nil {
		return "", err
	}
	random := make([]byte, secretBytes)
	rand.Read(random)
	if err := writeSecret(file, base64.RawURLEncoding.EncodeToString(random)); err != nil {
		return "", fmt.Errorf("keep a new secret (AUTH_SECRET or --secret-file name another): %w", err)
	}
	return readSecret(file)
}

// writeSecret creates the file with mode 0600, unless it exists. It writes another
// file and links it, so that two commands that start together use the same secret.
func writeSecret(file, secret string) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	aside, err := os.CreateTemp(dir, "."+filepath.Base(file)+".") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(aside.Name())
	_, err = aside.WriteString(secret)
	if err = errors.Join(err, aside.Sync(), aside.Close()); err != nil {
		return err
	}
	if err := os.Link(aside.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s is empty: remove it and a new secret is made", file)
	}
	return secret, nil
}

// signing returns the secret that signs tokens for the server. It generates one if
// there is none. It returns an error if the server trusts only the keys of another
// signer.
func (p *secretPlace) signing() (string, error) {
	if name := p.onlyKeys(os.Getenv); name != "" {
		return "", onlyKeysError(name)
	}
	_, absent := p.known()
	secret, err := p.made()
	if file, _ := p.path(); err == nil && errors.Is(absent, fs.ErrNotExist) {
		p.log.Info("made a new secret: only a server with this file takes the token", "file", file)
	}
	return secret, err
}

func onlyKeysError(name string) error {
	return fmt.Errorf("no secret to sign with: %s is set and the server trusts only its keys; AUTH_SECRET or --secret-file add a secret", name)
}

// tokenCommand returns the command with which an operator gets a token of this server.
func (p *secretPlace) tokenCommand() string {
	switch {
	case os.Getenv("AUTH_SECRET") != "":
		return "tidemark token --sub NAME, with the same AUTH_SECRET"
	case p.file != "":
		return "tidemark token --sub NAME --secret-file " + p.file
	}
	return "tidemark token --sub NAME --data " + cmp.Or(p.data, ".")
}
