//go:build !js

package edge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// D1File returns the file of the database of a binding, in the folder of the data.
func D1File(data, binding string) string { return filepath.Join(data, "d1", binding+".sqlite") }

// ObjectFiles lists the databases of the objects of a class, in the folder of the data.
func ObjectFiles(data, class string) ([]string, error) {
	entries, err := os.ReadDir(objectFolder(data, class))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sqlite") {
			files = append(files, filepath.Join(objectFolder(data, class), e.Name()))
		}
	}
	return files, err
}

func objectFolder(data, class string) string { return filepath.Join(data, "do", class) }

// SetTempFolder says where SQLite writes its temporary files, for all databases of the process.
// It must be called before one is opened. Without it SQLite takes the usual folders of the
// system.
func SetTempFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	db, err := openSQLite("", false, 1)
	if err != nil {
		return err
	}
	defer db.close()
	if err := db.script("PRAGMA temp_store_directory = '" + strings.ReplaceAll(dir, "'", "''") + "'"); err != nil {
		return fmt.Errorf("set the folder of temporary files: %w", err)
	}
	return nil
}
