//go:build !js

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"tidemark/shared/room"
	"tidemark/shared/session"
	"tidemark/wasm/wasmtest"
)

func admin(t *testing.T) string {
	t.Helper()
	return signed(t, jwt.MapClaims{"sub": "operator", "scope": "sync:admin"})
}

// revoke sends a revocation and returns the responses, one for each page.
func revoke(t *testing.T, s *wasmtest.Server, body string) (rooms, pages int) {
	t.Helper()
	for {
		status, answer := post(t, s, "/auth/revoke", admin(t), body)
		var told struct {
			RevokedAt int64 `json:"revoked_at"`
			Rooms     int
			Next      string
		}
		if err := json.Unmarshal([]byte(answer), &told); err != nil || status != 200 || told.RevokedAt == 0 {
			t.Fatalf("%s: %d %s", body, status, answer)
		}
		rooms, pages = rooms+told.Rooms, pages+1
		if told.Next == "" {
			return rooms, pages
		}
		body = strings.TrimSuffix(body, "}") + `,"next":"` + told.Next + `"}`
	}
}

// statusOf returns the status of an HTTP request with a token.
func statusOf(t *testing.T, s *wasmtest.Server, token string) int {
	t.Helper()
	req, err := http.NewRequest("GET", s.URL+"/sync/checksum", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestARevocationClosesTheSocketsOfASubject(t *testing.T) {
	eachRoom(t, func(t *testing.T, s *wasmtest.Server, clock *wasmtest.Clock, path, binding, name string) {
		issued := clock.Now().Unix()
		clock.Advance(10 * time.Second)
		ann := open(t, s, path, jwt.MapClaims{"sub": "ann", "iat": issued})
		untimed := open(t, s, path, jwt.MapClaims{"sub": "ann"})
		bob := open(t, s, path, jwt.MapClaims{"sub": "bob", "jti": "t1", "iat": issued})
		bobs := open(t, s, path, jwt.MapClaims{"sub": "bob", "jti": "t2", "iat": issued})
		for _, c := range []client{ann, untimed, bob, bobs} {
			c.alive()
		}
		hibernate(t, s, clock, binding, name)
		revoke(t, s, `{"sub":"ann"}`)
		ann.wantClosed(room.CloseEnded, session.RevokedReason)
		untimed.wantClosed(room.CloseEnded, session.RevokedReason)
		bob.alive()
		revoke(t, s, `{"jti":"t1"}`)
		bob.wantClosed(room.CloseEnded, session.RevokedReason)
		bobs.alive()
		// A new token opens the door again, the old one does not.
		open(t, s, path, jwt.MapClaims{"sub": "ann", "iat": clock.Now().Unix() + 1}).alive()
		open(t, s, path, jwt.MapClaims{"sub": "ann", "iat": issued}).wantClosed(room.CloseEnded, "")
	})
}

func TestARevocationEndsRequestsOnEveryInstance(t *testing.T) {
	s, clock := startInstances(t, 3, nil)
	const rounds = 12
	issued := clock.Now().Unix()
	ann := signed(t, jwt.MapClaims{"sub": "ann", "iat": issued})
	bob := signed(t, jwt.MapClaims{"sub": "bob", "iat": issued, "jti": "t1"})
	for range rounds {
		for _, token := range []string{ann, bob} {
			if status := statusOf(t, s, token); status != 200 {
				t.Fatalf("before: %d", status)
			}
		}
	}
	clock.Advance(time.Second)
	revoke(t, s, `{"sub":"ann"}`)
	revoke(t, s, `{"jti":"t1","ttl":3600}`)
	clock.Advance(30 * time.Second)
	for range rounds {
		for _, token := range []string{ann, bob} {
			if status := statusOf(t, s, token); status != 401 {
				t.Errorf("30 seconds after: %d", status)
			}
		}
		if status := statusOf(t, s, signed(t, jwt.MapClaims{"sub": "ann", "iat": clock.Now().Unix()})); status != 200 {
			t.Errorf("a new token: %d", status)
		}
	}
	s.Crash()
	if status := statusOf(t, s, ann); status != 401 {
		t.Errorf("after a crash: %d", status)
	}
	clock.Advance(time.Hour)
	if status := statusOf(t, s, bob); status != 200 {
		t.Errorf("after the revocation's time: %d", status)
	}
}

func TestARevocationVoidsTickets(t *testing.T) {
	s, clock := startGuest(t)
	ann := signed(t, jwt.MapClaims{"sub": "ann", "jti": "t1", "iat": clock.Now().Unix()})
	for _, body := range []string{`{"sub":"ann"}`, `{"jti":"t1"}`} {
		status, answer := post(t, s, "/auth/ticket", ann, "")
		var told struct{ Ticket string }
		if err := json.Unmarshal([]byte(answer), &told); err != nil || status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		clock.Advance(time.Second)
		revoke(t, s, body)
		ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/yjs/r?ticket="+told.Ticket, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.CloseNow() })
		client{t, ws}.wantClosed(room.CloseEnded, "")
		if status, _ := post(t, s, "/auth/ticket", ann, ""); status != 401 {
			t.Errorf("a ticket by a revoked token: %d", status)
		}
		query(t, s, "DELETE FROM Revocations") // and the next
		s.Crash()
	}
}

func TestARevocationReachesManyRoomsInPages(t *testing.T) {
	s, _ := startGuest(t)
	const rooms = 450
	query(t, s, "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ?1) "+
		"INSERT INTO SocketPlaces SELECT 0, 'ann', '', 'SYNC_ROOM', 'project/' || n FROM i", rooms)
	if told, pages := revoke(t, s, `{"sub":"ann"}`); told != rooms || pages != 3 {
		t.Errorf("%d rooms in %d pages", told, pages)
	}
}

func TestOnlyAnOperatorRevokes(t *testing.T) {
	s, _ := startGuest(t)
	if status, answer := post(t, s, "/auth/revoke", bearer(t), `{"sub":"ann"}`); status != 403 {
		t.Errorf("%d %s", status, answer)
	}
	for _, body := range []string{
		``, `[]`, `null`, `{}`, `{"sub":""}`, `{"sub":1}`, `{"sub":"a","jti":"b"}`, `{"subject":"a"}`, `{"sub":"a","ttl":0}`,
		`{"sub":"a","ttl":"1"}`, `{"sub":"a","next":"x"}`, `{"sub":"` + strings.Repeat("x", 2000) + `"}`,
	} {
		if status, answer := post(t, s, "/auth/revoke", admin(t), body); status != 400 {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	if n := count(t, s, "SELECT count(*) FROM Revocations"); n != 0 {
		t.Errorf("%d are kept", n)
	}
}

// An upgrade writes no row for a subject that joined the room earlier that day.
func TestASubjectHasOneRowForEachRoomAndDay(t *testing.T) {
	s, clock := startGuest(t)
	for i := range 5 {
		open(t, s, "/yjs/r", jwt.MapClaims{"sub": "ann", "exp": clock.Now().Add(time.Minute).Unix() + int64(i)}).alive()
		open(t, s, "/sync/subscribe", jwt.MapClaims{"sub": "ann"}).alive()
		open(t, s, "/yjs/r", jwt.MapClaims{}).alive()
	}
	if got := fmt.Sprint(query(t, s, "SELECT Subject, Room FROM SocketPlaces").Rows); got != fmt.Sprint([][]any{{[]byte("ann"), []byte("r")}}) {
		t.Errorf("got %s", got)
	}
}
