// Package inspect is what an operator asks about the rows of all callers, and the answers: as the console shows
// them. docs/protocol.md, section Console.
package inspect
