package api

import (
	"fmt"
	"strconv"
	"time"

	"tidemark/shared/yroom"
)

// YjsSettings are what variables of the environment say of Yjs rooms:
//
//	LIMIT_YJS_DOCUMENT_BYTES       of one document; beyond, writes are refused (16777216)
//	LIMIT_YJS_MESSAGE_BYTES        of one message (16777216)
//	LIMIT_YJS_MESSAGES_PER_SECOND  of one socket, over 10 seconds (500)
//	LIMIT_YJS_BYTES_PER_SECOND     of one socket, after as many at once as a document may have (4194304)
//	LIMIT_YJS_PRESENCE_STATE_BYTES of one client's presence; beyond, the state is ignored (262144)
//	LIMIT_YJS_PRESENCE_BYTES       of the presence of all clients of one socket; a room holds 8 times as much (1048576)
//	LIMIT_YJS_MEMORY_BYTES         of all documents and presence in the memory of one instance (25165824)
//	YJS_COPY_MILLIS                from an edit to its copy in the database, for a small document (30000)
type YjsSettings struct {
	Config     yroom.Config
	CacheBytes int
	// Problem is what is wrong with the variables, "" if nothing is.
	Problem string
}

// ReadYjsSettings reads the variables.
func ReadYjsSettings(getenv func(string) string) YjsSettings {
	s := YjsSettings{Config: yroom.DefaultConfig, CacheBytes: 24 << 20}
	c := &s.Config
	messages, bytes, millis := int(c.Messages), int(c.BytesPerSecond), int(c.FlushDelay/time.Millisecond)
	for _, v := range []struct {
		name  string
		to    *int
		least int
		most  int
	}{
		{"LIMIT_YJS_DOCUMENT_BYTES", &c.DocumentBytes, 1, 64 << 20},
		{"LIMIT_YJS_MESSAGE_BYTES", &c.MessageBytes, 1, 32 << 20},
		{"LIMIT_YJS_MESSAGES_PER_SECOND", &messages, 1, 1e6},
		{"LIMIT_YJS_BYTES_PER_SECOND", &bytes, 1, 1e9},
		{"LIMIT_YJS_PRESENCE_STATE_BYTES", &c.PresenceStateBytes, 1, 1 << 20}, // a cell of SQLite has 2 MB
		{"LIMIT_YJS_PRESENCE_BYTES", &c.PresenceBytes, 1, 8 << 20},
		{"LIMIT_YJS_MEMORY_BYTES", &s.CacheBytes, 0, 1 << 30},
		{"YJS_COPY_MILLIS", &millis, 0, 24 * 3600 * 1000},
	} {
		text := getenv(v.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < v.least || n > v.most {
			s.Problem = fmt.Sprintf("%s is not a number from %d to %d", v.name, v.least, v.most)
			continue
		}
		*v.to = n
	}
	c.Messages, c.BytesPerSecond = float64(messages), float64(bytes)
	c.FlushDelay = time.Duration(millis) * time.Millisecond
	return s
}
