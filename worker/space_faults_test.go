//go:build !js

package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"tidemark/wasm/wasmtest"
)

// send sends a request without a body and returns the status.
func send(t *testing.T, s *wasmtest.Server, method, path, token string) int {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, nil)
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

// owner is a token that may delete spaces.
func owner(t *testing.T) string {
	t.Helper()
	return signed(t, jwt.MapClaims{"sub": "ann", "scope": "sync:read sync:write yjs:read yjs:write projects:write spaces:admin"})
}

// startBorn starts a guest with the space acme.
func startBorn(t *testing.T) (*wasmtest.Server, *wasmtest.Clock) {
	t.Helper()
	s, clock := startGuest(t)
	if status, body := post(t, s, "/s/acme/api/v1/projects/", owner(t), `{"name":"p"}`); status != 201 {
		t.Fatalf("%d %s", status, body)
	}
	return s, clock
}

// failDeletion begins the deletion of acme, which fails because D1 does.
func failDeletion(t *testing.T, s *wasmtest.Server) {
	t.Helper()
	query(t, s, "ALTER TABLE Spaces RENAME TO Away")
	if status := send(t, s, "DELETE", "/s/acme", owner(t)); status != 500 {
		t.Fatalf("the deletion: %d", status)
	}
	if status := send(t, s, "GET", "/s/acme/sync/pull", owner(t)); status != 503 {
		t.Fatalf("a pull meanwhile: %d", status)
	}
}

// A host gives up an alarm that failed 6 times, or so. docs/protocol.md, S8.
func TestADeletionIsFinishedHoweverOftenItFails(t *testing.T) {
	s, clock := startBorn(t)
	failDeletion(t, s)
	// Each request gives the alarm some real time.
	deleted := func() bool {
		clock.Advance(10 * time.Minute)
		return send(t, s, "GET", "/s/acme/sync/pull", owner(t)) == 200
	}
	for range 400 {
		if deleted() {
			t.Fatal("it is deleted although D1 fails")
		}
	}
	if n := s.Gate.Count("alarm"); n < 8 {
		t.Fatalf("%d alarms: the test tries too little", n)
	}
	query(t, s, "ALTER TABLE Away RENAME TO Spaces")
	done := false
	for range 400 {
		done = done || deleted()
	}
	if !done {
		t.Fatal("it is never deleted")
	}
	if n := count(t, s, "SELECT count(*) FROM Spaces"); n != 0 {
		t.Errorf("%d spaces are listed", n)
	}
}

// docs/protocol.md, A3.
func TestAnUnknownTicketDoesNotTellOfADeletion(t *testing.T) {
	s, _ := startBorn(t)
	failDeletion(t, s)
	for _, name := range []string{"acme", "none"} {
		ws, _, err := websocket.Dial(context.Background(), strings.Replace(s.URL, "http", "ws", 1)+"/s/"+name+"/sync/subscribe?ticket=guessed", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.CloseNow() })
		client{t, ws}.wantClosed(4401, "The ticket is unknown, was used or has expired")
	}
}

func TestTwoDeletionsDoNotRunAtOnce(t *testing.T) {
	s, _ := startBorn(t)
	s.Gate.Hold("call") // to the project's room
	first := make(chan int)
	go func() { first <- send(t, s, "DELETE", "/s/acme", owner(t)) }()
	s.Gate.Wait(t, 1)
	if status := send(t, s, "DELETE", "/s/acme", owner(t)); status != 503 {
		t.Errorf("the second deletion: %d", status)
	}
	s.Gate.Open()
	if status := <-first; status != 204 {
		t.Errorf("the first deletion: %d", status)
	}
	if status := send(t, s, "DELETE", "/s/acme", owner(t)); status != 204 {
		t.Errorf("a deletion afterwards: %d", status)
	}
}

// A ticket makes the tables of a space that nobody wrote, and after an hour they go.
func TestASubscriberOfASpaceThatWasNeverWrittenStays(t *testing.T) {
	s, clock := startGuest(t)
	status, answer := post(t, s, "/s/acme/auth/ticket", owner(t), "")
	var told struct{ Ticket string }
	if err := json.Unmarshal([]byte(answer), &told); err != nil || status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	until := clock.Now().Add(75 * time.Minute)
	subscriber := open(t, s, "/s/acme/sync/subscribe", jwt.MapClaims{"sub": "bob", "exp": until.Unix()})
	for clock.Now().Before(until.Add(-time.Minute)) {
		subscriber.alive() // or the host may close it: the pong to a ping takes real time
		clock.Advance(20 * time.Second)
	}
	subscriber.alive()
	clock.Advance(until.Sub(clock.Now()))
	subscriber.wantClosed(4401, "")
}

func TestASpaceThatIsDeletedWhileItIsListedIsListedAgainLater(t *testing.T) {
	s, _ := startGuest(t)
	if status := send(t, s, "GET", "/s/acme/sync/pull", owner(t)); status != 200 { // reads the revocations
		t.Fatal(status)
	}
	s.Gate.Hold("d1") // the directory's answer
	first := make(chan int)
	go func() {
		status, _ := post(t, s, "/s/acme/api/v1/projects/", owner(t), `{"name":"p"}`)
		first <- status
	}()
	s.Gate.Wait(t, 1)
	s.Gate.Hold()
	if status := send(t, s, "DELETE", "/s/acme", owner(t)); status != 204 {
		t.Errorf("the deletion: %d", status)
	}
	s.Gate.Open()
	if status := <-first; status != 201 {
		t.Errorf("the write that made it: %d", status)
	}
	if n := count(t, s, "SELECT count(*) FROM Spaces"); n != 0 {
		t.Errorf("%d spaces are listed after the deletion", n)
	}
	if status, body := post(t, s, "/s/acme/api/v1/projects/", owner(t), `{"name":"p"}`); status != 201 {
		t.Fatalf("%d %s", status, body)
	}
	if n := count(t, s, "SELECT count(*) FROM Spaces"); n != 1 {
		t.Errorf("%d spaces are listed after it was made again", n)
	}
}

// The request began before the deletion, and waits for D1 until the deletion is under way.
func TestASocketOfADocumentDoesNotOpenDuringADeletion(t *testing.T) {
	s, _ := startBorn(t)
	s.Gate.Hold("d1") // where the socket is, for revocations
	closed := make(chan error)
	go func() {
		url := strings.Replace(s.URL, "http", "ws", 1) + "/s/acme/yjs/r?token=" + owner(t)
		ws, _, err := websocket.Dial(context.Background(), url, nil)
		for err == nil {
			_, _, err = ws.Read(context.Background())
		}
		closed <- err
	}()
	s.Gate.Wait(t, 1)
	s.Gate.Hold("call") // to the project's room
	deleted := make(chan int)
	go func() { deleted <- send(t, s, "DELETE", "/s/acme", owner(t)) }()
	s.Gate.Wait(t, 2)
	for {
		kind, _, ok := s.Gate.Release()
		if !ok || kind == "d1" {
			break
		}
		s.Gate.Wait(t, 1)
	}
	if err := <-closed; websocket.CloseStatus(err) != 4503 {
		t.Errorf("the socket: %v", err)
	}
	s.Gate.Open()
	if status := <-deleted; status != 204 {
		t.Errorf("the deletion: %d", status)
	}
}
