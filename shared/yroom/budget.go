package yroom

import "time"

// A budget counts the messages and bytes that a socket has spent. It starts full. A
// hibernation resets it, because the socket was silent before.
type budget struct {
	messages, bytes float64 // spent
	at              time.Time
}

// burst is the number of seconds over which the rate of messages holds.
const burst = 10

// spend reports whether a message is within the rates. cost is 1 for a message that
// takes work, and less for others.
func (b *budget) spend(c *Config, cost float64, bytes int, now time.Time) bool {
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.messages = max(0, b.messages-elapsed*c.Messages)
		b.bytes = max(0, b.bytes-elapsed*c.BytesPerSecond)
		b.at = now
	}
	b.messages += cost
	b.bytes += float64(bytes)
	return b.messages <= burst*c.Messages && b.bytes <= float64(c.DocumentBytes+c.MessageBytes)
}
