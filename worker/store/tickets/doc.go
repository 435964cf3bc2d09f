// Package tickets keeps what admits a caller between two requests: the tickets of
// WebSockets, the revoked tokens, and the rooms in which their sockets may be.
package tickets
