//go:build js && wasm

package host

import (
	"context"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/syncroom"
)

// A syncRoom does in an object what a syncroom.Room decides.
type syncRoom struct {
	o    *Object
	room *syncroom.Room
}

// NewSyncRoom is the Class of SyncRoom.
func NewSyncRoom(o *Object) Room {
	o.Autoreply(syncroom.Ping, syncroom.Pong)
	var saved []byte
	results, err := o.Exec(
		abi.Statement{SQL: "CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, saved BLOB NOT NULL)"},
		abi.Statement{SQL: "SELECT saved FROM state WHERE id = 1"})
	if err == nil && len(results[1].Rows) > 0 {
		saved, _ = results[1].Rows[0][0].([]byte)
	}
	room, err := syncroom.New(saved)
	if err != nil { // every subscriber pulls when it connects again: an empty room is right
		logf("room %s: its saved state cannot be read: %v", o.Name, err)
		room, _ = syncroom.New(nil)
	}
	if strings.HasPrefix(o.Name, syncroom.ProjectPrefix) {
		room.Key = syncroom.ProjectKey
	}
	return &syncRoom{o, room}
}

func (s *syncRoom) Open(conn int32, attachment []byte) {
	if syncroom.Subject(attachment) != "" {
		s.o.Attach(conn, attachment)
	}
	s.do(s.room.Open(conn, attachment))
}

func (s *syncRoom) Message(conn int32, kind int, data []byte) {
	s.do(s.room.Message(conn, kind, data))
}

func (s *syncRoom) Close(int32, int, string) {}

func (s *syncRoom) Call(data []byte) []byte {
	effects, err := s.room.Publish(data)
	if err != nil {
		logf("room %s: publish: %v", s.o.Name, err)
	}
	s.do(effects)
	return nil
}

func (s *syncRoom) Timer() { s.do(s.room.Timer()) }

// Alarm is never asked for.
func (s *syncRoom) Alarm(context.Context) error { return nil }

// do follows the order that syncroom.Effects gives.
func (s *syncRoom) do(e syncroom.Effects) {
	if e.Save != nil {
		_, err := s.o.Exec(abi.Statement{SQL: "INSERT OR REPLACE INTO state VALUES (1, ?1)", Args: []any{e.Save}})
		if err != nil {
			logf("room %s: save: %v", s.o.Name, err)
		}
	}
	lost := e.Timer > 0 && s.o.SetTimer(e.Timer)
	for _, send := range e.Send {
		if send.Conn == 0 {
			s.room.Subscribers = s.o.Send(abi.KindText, send.Text)
		} else {
			s.o.Send(abi.KindText, send.Text, send.Conn)
		}
	}
	for _, c := range e.Close {
		s.o.Close(c.Conn, c.Code, c.Reason)
	}
	if e.Leave != "" {
		s.leave(e.Leave)
	}
	if lost { // the window is open now, so that this asks for no timer
		s.do(s.room.Lost())
	}
}

func (s *syncRoom) leave(subject string) {
	conns, err := s.o.Conns()
	if err != nil {
		logf("room %s: %v", s.o.Name, err)
	}
	for _, c := range conns {
		if syncroom.Subject(c.Attachment) == subject {
			s.o.Close(c.ID, syncroom.CloseRemoved, syncroom.RemovedReason)
		}
	}
}
