package abi

import (
	"bytes"
	"encoding/binary"
)

// A Message is what a conn sent. Kind is KindText or KindBinary.
type Message struct {
	Conn int32
	Kind int
	Data []byte
}

// AppendMessages appends u32 conn, u8 kind, and the data as a text for each.
func AppendMessages(b []byte, messages []Message) []byte {
	for _, m := range messages {
		b = binary.LittleEndian.AppendUint32(b, uint32(m.Conn))
		b = AppendText(append(b, byte(m.Kind)), string(m.Data))
	}
	return b
}

// kind reads one byte.
func (r *reader) kind() int {
	if b := r.bytes(1); b != nil {
		return int(b[0])
	}
	return 0
}

// DecodeMessages is the inverse of AppendMessages.
func DecodeMessages(b []byte) ([]Message, error) {
	r := reader{b: b}
	var messages []Message
	for len(r.b) > 0 {
		messages = append(messages, Message{Conn: int32(r.u32()), Kind: r.kind(), Data: bytes.Clone(r.text())})
	}
	if r.failed {
		return nil, ErrFrame
	}
	return messages, nil
}
