package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/session"
	"tidemark/shared/syncroom"
	"tidemark/shared/trpc"
	"tidemark/shared/yroom"
	"tidemark/worker/store/tickets"
)

// SessionStore knows which tokens were revoked, and where their sockets are, for
// all instances of the server; *tickets.Sessions does.
type SessionStore interface {
	Revoke(ctx context.Context, now time.Time, r tickets.Revocation) error
	Revocations(ctx context.Context, after int64) (list []tickets.Revocation, last int64, err error)
	Enter(ctx context.Context, now time.Time, id auth.Identity, p tickets.Place, after int64) (list []tickets.Revocation, last int64, err error)
	Places(ctx context.Context, r tickets.Revocation, after tickets.Place, limit int) ([]tickets.Place, error)
}

// Sessions are what ends tokens before their time; without them nothing is revoked.
type Sessions struct {
	Store SessionStore
	Calls RoomCalls
}

const (
	// revokedFresh is how long an instance goes by the revocations that it read.
	revokedFresh = 30 * time.Second
	// revokedRetry is how soon it tries again if it could not read them.
	revokedRetry = 5 * time.Second
	// placesAtOnce bounds the rooms that one request tells of a revocation.
	placesAtOnce = 200

	maxRevokedBytes = 1024 // of a subject or an ID
	maxRevokedTTL   = 100 * 365 * 24 * 3600
)

// revocations are what one instance knows of them; server.mu guards it.
type revocations struct {
	session.Revoked
	last  int64     // the number of the last one
	until time.Time // when they are to be read again; zero: they were never read
}

// notRevoked refuses an identity whose token was revoked. One request in half a
// minute reads the revocations that are new.
func (s *server) notRevoked(ctx context.Context, id auth.Identity) error {
	if s.Sessions == nil {
		return nil
	}
	now := s.Now()
	s.mu.Lock()
	due, first, last := !now.Before(s.revoked.until), s.revoked.until.IsZero(), s.revoked.last
	if due && !first {
		s.revoked.until = now.Add(revokedRetry) // others go by what is known meanwhile
	}
	s.mu.Unlock()
	if due {
		list, last, err := s.Sessions.Store.Revocations(ctx, last)
		if err == nil {
			s.learn(list, last, now)
		} else if first {
			return err
		} else {
			s.Log.Warn("the revocations could not be read; they are read again soon", "error", err)
		}
	}
	return s.refuseRevoked(id, now)
}

// learn adds what was read.
func (s *server) learn(list []tickets.Revocation, last int64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range list {
		s.revoked.Add(revocationOf(r), r.Until)
	}
	s.revoked.last, s.revoked.until = last, now.Add(revokedFresh)
}

func (s *server) refuseRevoked(id auth.Identity, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.revoked.Empty() && s.revoked.End(sessionOf(id), now) {
		return unauthorized(`Bearer error="invalid_token"`, "The token was revoked")
	}
	return nil
}

// enter lets a socket into a room, unless its token was revoked, up to this
// moment. The socket's place is noted, so that a later revocation finds it. A token
// that names neither a subject nor an ID cannot be revoked.
func (s *server) enter(ctx context.Context, id auth.Identity, p tickets.Place) error {
	if s.Sessions == nil || id.Subject == "" && id.ID == "" {
		return nil
	}
	now := s.Now()
	s.mu.Lock()
	last := s.revoked.last
	s.mu.Unlock()
	var list []tickets.Revocation
	var err error
	if p == everybodysRoom {
		list, last, err = s.Sessions.Store.Revocations(ctx, last)
	} else {
		list, last, err = s.Sessions.Store.Enter(ctx, now, id, p, last)
	}
	if err != nil {
		return err
	}
	s.learn(list, last, now)
	return s.refuseRevoked(id, now)
}

// everybodysRoom is told of every revocation: it is no place of anybody's.
var everybodysRoom = tickets.Place{Binding: SyncBinding, Room: SyncRoom}

func revocationOf(r tickets.Revocation) session.Revocation {
	return session.Revocation{Subject: session.MarkOf(r.Subject), Token: session.MarkOf(r.TokenID), At: r.At}
}

// revoke ends the tokens that a subject has, or one token: {"sub":"…"} or
// {"jti":"…"}. With "ttl", seconds after which no such token can be valid any more,
// the revocation is forgotten then. It answers {"revoked_at":…,"rooms":n}, and if
// there are more rooms than it told, "next", which the same request with
// "next":"…" goes on from.
func (s *server) revoke(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	body, err := s.operatorBody(r, id, smallBytes)
	if err != nil {
		return err
	}
	if s.Sessions == nil {
		return &trpc.Error{Code: trpc.NotImplemented, Message: "Tokens are not revoked here"}
	}
	now := s.Now()
	in, err := readRevoke(body, now)
	if err != nil {
		return err
	}
	if in.after == (tickets.Place{}) {
		if err := s.Sessions.Store.Revoke(r.Context(), now, in.Revocation); err != nil {
			if errors.Is(err, tickets.ErrRevocations) {
				return &trpc.Error{Code: trpc.Conflict, Message: fmt.Sprintf("%d revocations are kept, which is the most: give each a ttl, or change the key that signs tokens", tickets.MaxRevocations)}
			}
			return err
		}
		s.learnSoon()
		if err := s.tellRevoked(r.Context(), everybodysRoom, in.Revocation); err != nil {
			return err
		}
	}
	places, err := s.Sessions.Store.Places(r.Context(), in.Revocation, in.after, placesAtOnce)
	if err != nil {
		return err
	}
	for _, p := range places {
		if err := s.tellRevoked(r.Context(), p, in.Revocation); err != nil {
			return err
		}
	}
	b := strconv.AppendInt([]byte(`{"revoked_at":`), in.At.UnixMilli(), 10)
	b = strconv.AppendInt(append(b, `,"rooms":`...), int64(len(places)), 10)
	if len(places) == placesAtOnce {
		b = ijson.AppendString(append(b, `,"next":`...), nextPlaces(in.At, places[len(places)-1]))
	}
	write(w, http.StatusOK, append(b, '}'))
	return nil
}

// learnSoon has the next request of this instance read the revocations.
func (s *server) learnSoon() {
	s.mu.Lock()
	s.revoked.until = time.Time{}
	s.mu.Unlock()
}

// tellRevoked has a room close the sockets of a revocation.
func (s *server) tellRevoked(ctx context.Context, p tickets.Place, r tickets.Revocation) error {
	v := revocationOf(r)
	message := syncroom.Revocation(v)
	if p.Binding == YjsBinding {
		message = yroom.AppendRequest(nil, yroom.Request{Op: yroom.OpRevoke, Data: v.Append(nil)})
	}
	if _, err := s.Sessions.Calls.Call(ctx, p.Binding, p.Room, message); err != nil {
		return fmt.Errorf("tell a room of a revocation: %w", err)
	}
	return nil
}

type revokeInput struct {
	tickets.Revocation
	after tickets.Place
}

// readRevoke reads the body of a revocation. A member that it does not know is
// refused: a misspelt one would end something else than was meant.
func readRevoke(body []byte, now time.Time) (in revokeInput, err error) {
	const want = `The body must be {"sub":"…"} or {"jti":"…"}`
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return in, badRequest(want)
	}
	in.At = now.Truncate(time.Millisecond)
	next := ""
	for name, value := range members {
		var bad error
		switch name {
		case "sub":
			bad = json.Unmarshal(value, &in.Subject)
		case "jti":
			bad = json.Unmarshal(value, &in.TokenID)
		case "next":
			bad = json.Unmarshal(value, &next)
		case "ttl":
			var seconds int
			if seconds, bad = strconv.Atoi(string(value)); bad != nil || seconds < 1 || seconds > maxRevokedTTL {
				return in, badRequest(fmt.Sprintf("ttl must be an integer from 1 to %d, in seconds", maxRevokedTTL))
			}
			in.Until = in.At.Add(time.Duration(seconds) * time.Second)
		default:
			return in, badRequest(fmt.Sprintf("Unknown member %.64q. %s", name, want))
		}
		if bad != nil {
			return in, badRequest(fmt.Sprintf("%s must be a string. %s", name, want))
		}
	}
	if (in.Subject == "") == (in.TokenID == "") {
		return in, badRequest(want)
	}
	if len(in.Subject)+len(in.TokenID) > maxRevokedBytes {
		return in, badRequest(fmt.Sprintf("A subject or an ID of more than %d bytes is not revoked", maxRevokedBytes))
	}
	if next != "" {
		var ok bool
		if in.At, in.after, ok = cutPlaces(next); !ok {
			return in, badRequest("next is not what an answer said")
		}
	}
	return in, nil
}

// nextPlaces is where the next request goes on: the time of the revocation and the
// last place that was told.
func nextPlaces(at time.Time, p tickets.Place) string {
	return strconv.FormatInt(at.UnixMilli(), 36) + "." + base64.RawURLEncoding.EncodeToString([]byte(p.Binding+"\x00"+p.Room))
}

func cutPlaces(next string) (at time.Time, p tickets.Place, ok bool) {
	millis, encoded, _ := strings.Cut(next, ".")
	n, err := strconv.ParseInt(millis, 36, 64)
	place, err2 := base64.RawURLEncoding.DecodeString(encoded)
	p.Binding, p.Room, ok = strings.Cut(string(place), "\x00")
	return time.UnixMilli(n), p, ok && err == nil && err2 == nil && p.Binding != ""
}
