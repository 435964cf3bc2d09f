//go:build race

package edge

// The race detector makes SQLite a hundred times slower.
func init() { longRead /= 100 }
