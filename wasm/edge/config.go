//go:build !js

package edge

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/pelletier/go-toml/v2"
)

// A Config is the part of a wrangler.toml that this host reads.
type Config struct {
	Name string `toml:"name"`
	Main string `toml:"main"`
	// Vars are strings, numbers and booleans.
	Vars        map[string]any `toml:"vars"`
	D1Databases []struct {
		Binding       string `toml:"binding"`
		DatabaseName  string `toml:"database_name"`
		MigrationsDir string `toml:"migrations_dir"`
	} `toml:"d1_databases"`
	DurableObjects struct {
		Bindings []struct {
			Name      string `toml:"name"`
			ClassName string `toml:"class_name"`
		} `toml:"bindings"`
	} `toml:"durable_objects"`
	Migrations []struct {
		Tag              string   `toml:"tag"`
		NewSQLiteClasses []string `toml:"new_sqlite_classes"`
	} `toml:"migrations"`
	Assets struct {
		Directory        string `toml:"directory"`
		NotFoundHandling string `toml:"not_found_handling"`
	} `toml:"assets"`

	// Dir is the folder to which the file's paths are relative.
	Dir string `toml:"-"`
	// Inside, if not nil, has the folders that are not in Dir. If Dir is "", it has all of them.
	Inside fs.FS `toml:"-"`
}

// Folder returns the folder of a path in the file. It may be missing, as any folder may.
func (c *Config) Folder(name string) fs.FS {
	here := os.DirFS(filepath.Join(c.Dir, name))
	if c.Inside == nil {
		return here
	}
	if _, err := fs.Stat(here, "."); err == nil && c.Dir != "" {
		return here
	}
	if inside, err := fs.Sub(c.Inside, path.Clean(filepath.ToSlash(name))); err == nil {
		return inside
	}
	return here
}

// MigrationsFolder returns the folder of the migrations of a database whose migrations_dir is dir,
// or nil if it has none: dir is "", and there is no folder "migrations".
func (c *Config) MigrationsFolder(dir string) fs.FS {
	folder := c.Folder(cmp.Or(dir, "migrations"))
	if _, err := fs.Stat(folder, "."); errors.Is(err, fs.ErrNotExist) && dir == "" {
		return nil
	}
	return folder
}

// LoadConfig reads a wrangler.toml.
func LoadConfig(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c.Dir = filepath.Dir(file)
	return c, nil
}

// ParseConfig reads the text of a wrangler.toml and checks the settings that this
// host needs.
func ParseConfig(text []byte) (*Config, error) {
	c := &Config{}
	if err := toml.Unmarshal(text, c); err != nil {
		return nil, err
	}
	classes := map[string]bool{}
	for _, m := range c.Migrations {
		for _, class := range m.NewSQLiteClasses {
			classes[class] = true
		}
	}
	names := map[string]bool{}
	for name, v := range c.Vars {
		switch v.(type) {
		case string, bool, int64, float64:
		default:
			return nil, fmt.Errorf("vars: %s is neither a string, a number nor a boolean", name)
		}
		names[name] = true
	}
	bind := func(name string) error {
		if name == "" || names[name] {
			return fmt.Errorf("the binding %q is empty or taken", name)
		}
		names[name] = true
		return nil
	}
	for _, d := range c.D1Databases {
		if err := bind(d.Binding); err != nil {
			return nil, err
		}
	}
	for _, b := range c.DurableObjects.Bindings {
		if err := bind(b.Name); err != nil {
			return nil, err
		}
		if !classes[b.ClassName] {
			return nil, fmt.Errorf("the class %q is in no migration's new_sqlite_classes", b.ClassName)
		}
	}
	switch c.Assets.NotFoundHandling {
	case "", "none", "single-page-application":
	default:
		return nil, errors.New("assets: not_found_handling must be single-page-application or none")
	}
	return c, nil
}

// number returns a positive variable, as a number or as a string that holds one.
// It returns fallback if the variable is missing or invalid.
func number(vars map[string]any, name string, fallback float64) float64 {
	n := 0.0
	switch v := vars[name].(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	case string:
		n, _ = strconv.ParseFloat(v, 64)
	}
	if n > 0 {
		return n
	}
	return fallback
}
