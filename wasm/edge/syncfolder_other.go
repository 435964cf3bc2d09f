//go:build !unix && !js

package edge

// SyncFolder does nothing: Windows keeps the names of a folder in its own journal.
func SyncFolder(string) error { return nil }
