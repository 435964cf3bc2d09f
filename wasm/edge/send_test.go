//go:build !js

package edge

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestACopyGoesToTheDiskInWholeParts(t *testing.T) { // B1
	b := &backup{pace: newPace(t.Context(), 1)}
	name := filepath.Join(t.TempDir(), "copy")
	sent := int64(0)
	for _, c := range []struct{ bytes, want int64 }{
		{0, 0}, {sendBytes - 1, 0}, {sendBytes, sendBytes}, {2*sendBytes - 1, sendBytes}, {5*sendBytes + 7, 5 * sendBytes}, {5*sendBytes + 8, 5 * sendBytes},
	} {
		if err := os.WriteFile(name, make([]byte, c.bytes), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.send(name, &sent); err != nil || sent != c.want {
			t.Errorf("of %d bytes %d are with the disk (%v), want %d", c.bytes, sent, err, c.want)
		}
	}
	if err := b.settle(name); err != nil {
		t.Error(err)
	}
	if err := b.send(name+"2", &sent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a copy that is not there: %v", err)
	}
}
