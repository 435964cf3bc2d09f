package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/ijson"
)

// TicketLife is how long a ticket waits for its use.
const TicketLife = 30 * time.Second

// ticket gives out a ticket for one WebSocket: 130 bits of chance, known to
// the client alone. It says no more, and lives no longer, than the token.
func (s *server) ticket(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	if r.Method != http.MethodPost {
		return wrongMethod("POST")
	}
	now := s.Now()
	end := now.Add(TicketLife)
	if !id.Expires.IsZero() && id.Expires.Before(end) {
		end = id.Expires
	}
	ticket := rand.Text()
	if err := s.Tickets.PutTicket(r.Context(), now, hash(ticket), end, id); err != nil {
		return err
	}
	b := ijson.AppendString([]byte(`{"ticket":`), ticket)
	b = strconv.AppendInt(append(b, `,"expires_in":`...), int64(end.Sub(now)/time.Second), 10)
	write(w, http.StatusOK, append(b, '}'))
	return nil
}

// redeem lets in the first who brings a ticket.
func (s *server) redeem(ctx context.Context, ticket string) (auth.Identity, error) {
	id, found, err := s.Tickets.TakeTicket(ctx, s.Now(), hash(ticket))
	if err != nil {
		return auth.Identity{}, err
	}
	if !found {
		return auth.Identity{}, unauthorized(`Bearer error="invalid_token"`, "The ticket is unknown, was used or has expired")
	}
	return id, nil
}

func hash(ticket string) string {
	sum := sha256.Sum256([]byte(ticket))
	return hex.EncodeToString(sum[:])
}
