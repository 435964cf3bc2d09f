// Package watermelon is WatermelonDB's sync dialect. It decodes a pull and a push
// in one scan over the raw bytes, and encodes the answers. Rows stay text
// throughout.
// docs/protocol.md; WatermelonDB docs, Sync/Backend.
package watermelon
