package door

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/session"
	"tidemark/worker/store/tickets"
)

// SessionStore keeps which tokens were revoked, and where sockets are, for all
// instances of the server; *tickets.Sessions does.
type SessionStore interface {
	Revoke(ctx context.Context, now time.Time, r tickets.Revocation) error
	Revocations(ctx context.Context, after int64) (list []tickets.Revocation, last int64, err error)
	Enter(ctx context.Context, now time.Time, id auth.Identity, p tickets.Place, after int64) (list []tickets.Revocation, last int64, err error)
	Places(ctx context.Context, r tickets.Revocation, after tickets.Place, limit int) ([]tickets.Place, error)
}

// Sessions are what a Door needs to end tokens before their time.
type Sessions struct {
	Store SessionStore
	Calls Calls
}

const (
	// revokedFresh is how long an instance uses the revocations that it has read.
	revokedFresh = 30 * time.Second
	// revokedRetry is how soon it tries again if it could not read them.
	revokedRetry = 5 * time.Second
)

// revocations are those that one instance has read; Door.mu guards them.
type revocations struct {
	session.Revoked
	last  int64     // the number of the last one
	until time.Time // when they have to be read again; zero: they were never read
}

// notRevoked rejects an identity whose token was revoked. One request in half a
// minute reads the new revocations.
func (d *Door) notRevoked(ctx context.Context, id auth.Identity) error {
	if d.Sessions == nil {
		return nil
	}
	now := d.Now()
	d.mu.Lock()
	due, first, last := !now.Before(d.revoked.until), d.revoked.until.IsZero(), d.revoked.last
	if due && !first {
		d.revoked.until = now.Add(revokedRetry) // meanwhile other requests use what is known
	}
	d.mu.Unlock()
	if due {
		list, last, err := d.Sessions.Store.Revocations(ctx, last)
		if err == nil {
			d.learn(list, last, now)
		} else if first {
			return err
		} else {
			d.Log.Warn("the revocations could not be read; they are read again soon", "error", err)
		}
	}
	return d.refuseRevoked(id, now)
}

// IsRevoked says whether the token of an identity was revoked.
func (c *Call) IsRevoked(id auth.Identity) (bool, error) {
	err := c.notRevoked(c.R.Context(), id)
	var revoked *Failure
	if errors.As(err, &revoked) {
		return true, nil
	}
	return false, err
}

// learn adds the revocations that were read.
func (d *Door) learn(list []tickets.Revocation, last int64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range list {
		d.revoked.Add(RevocationOf(r), r.Until)
	}
	d.revoked.last, d.revoked.until = last, now.Add(revokedFresh)
}

func (d *Door) refuseRevoked(id auth.Identity, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.revoked.Empty() && d.revoked.End(sessionOf(id), now) {
		return InvalidToken("The token was revoked")
	}
	return nil
}

// Enter rejects a socket whose token was revoked, up to this moment. Otherwise it
// stores the socket's room, so that a later revocation finds the socket. A token that
// names neither a subject nor an ID cannot be revoked.
func (c *Call) Enter(p Place) error {
	d, id, ctx := c.Door, c.ID, c.R.Context()
	if d.Sessions == nil || id.Subject == "" && id.ID == "" {
		return nil
	}
	now := d.Now()
	d.mu.Lock()
	last := d.revoked.last
	d.mu.Unlock()
	var list []tickets.Revocation
	var err error
	if p == everybodysRoom {
		list, last, err = d.Sessions.Store.Revocations(ctx, last)
	} else {
		list, last, err = d.Sessions.Store.Enter(ctx, now, id, p, last)
	}
	if err != nil {
		return err
	}
	d.learn(list, last, now)
	return d.refuseRevoked(id, now)
}

// everybodysRoom gets every revocation, so nobody's place in it is stored.
var everybodysRoom = (&Space{}).RecordsRoom()

// RevocationOf returns the form of a revocation that rooms know.
func RevocationOf(r tickets.Revocation) session.Revocation {
	return session.Revocation{Subject: session.MarkOf(r.Subject), Token: session.MarkOf(r.TokenID), At: r.At}
}

// ReadRevocationsSoon has the next request of this instance read the revocations.
func (d *Door) ReadRevocationsSoon() {
	d.mu.Lock()
	d.revoked.until = time.Time{}
	d.mu.Unlock()
}

const (
	// ticketAlphabet has what a ticket is made of. RFC 4648, 6.
	ticketAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	randomLetters  = 26 // of rand.Text, 130 random bits
	macBytes       = 10
	macPurpose     = "tidemark: the tickets of a space"
)

// NewTicket returns a ticket of the space that is made of rand.Text. If the server has
// AUTH_SECRET, a MAC follows, by which the Worker knows a ticket before it asks the space.
func (c *Call) NewTicket(random string) string { return random + c.macOfTicket(random) }

func (c *Call) macOfTicket(random string) string {
	secret := c.Settings.Auth.Secret
	if len(secret) == 0 {
		return ""
	}
	key := hmac.New(sha256.New, secret)
	key.Write([]byte(macPurpose))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(c.Space.Name + "\x00" + random))
	return base32.StdEncoding.EncodeToString(mac.Sum(nil)[:macBytes])
}

// isTicket reports whether NewTicket may have returned the ticket in this space.
func (c *Call) isTicket(ticket string) bool {
	if len(ticket) < randomLetters || strings.Trim(ticket, ticketAlphabet) != "" {
		return false
	}
	random, mac := ticket[:randomLetters], ticket[randomLetters:]
	return hmac.Equal([]byte(mac), []byte(c.macOfTicket(random)))
}

// HashTicket returns what is stored of a ticket.
func HashTicket(ticket string) string {
	sum := sha256.Sum256([]byte(ticket))
	return hex.EncodeToString(sum[:])
}
