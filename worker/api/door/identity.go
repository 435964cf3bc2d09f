package door

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"tidemark/shared/auth"
)

// Protocol is the WebSocket subprotocol that a client offers before its token,
// as in new WebSocket(url, ["tidemark", token]), and that the server selects.
const Protocol = "tidemark"

// Identify returns who the caller is, by Authorization: Bearer TOKEN. A browser
// cannot set that header for a WebSocket. A WebSocket may bring instead, in this
// order of precedence, a ticket as ?ticket=, the token as the subprotocol that
// follows Protocol, or the token as ?token=.
func (d *Door) Identify(r *http.Request) (auth.Identity, error) {
	if err := d.permitOrigin(r); err != nil {
		return auth.Identity{}, err
	}
	id, err := d.bearer(r)
	if err == nil {
		err = d.notRevoked(r.Context(), id)
	}
	return id, err
}

func (d *Door) bearer(r *http.Request) (auth.Identity, error) {
	if d.Invalid != nil {
		return auth.Identity{}, Fail(ServiceUnavailable, d.Invalid.Error())
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return auth.Identity{}, unauthorized(`Bearer`, "The header authorization must be: Bearer TOKEN")
		}
		return d.verify(r.Context(), strings.TrimSpace(token))
	}
	if IsUpgrade(r) {
		query := Query(r)
		if ticket := query.Get("ticket"); ticket != "" {
			return d.redeem(r.Context(), ticket)
		}
		if offered := protocols(r); len(offered) == 2 && offered[0] == Protocol {
			return d.verify(r.Context(), offered[1])
		}
		if token := query.Get("token"); token != "" {
			return d.verify(r.Context(), token)
		}
	}
	return auth.Identity{}, unauthorized(`Bearer`, "A token is needed, in the header authorization: Bearer TOKEN")
}

// redeem returns the identity of the first caller that brings the ticket.
func (d *Door) redeem(ctx context.Context, ticket string) (auth.Identity, error) {
	id, found, err := d.Tickets.TakeTicket(ctx, d.Now(), HashTicket(ticket))
	if err != nil {
		return auth.Identity{}, err
	}
	if !found {
		return auth.Identity{}, InvalidToken("The ticket is unknown, was used or has expired")
	}
	return id, nil
}

func unauthorized(challenge, message string) error {
	return Fail(Unauthorized, message).With("WWW-Authenticate", challenge)
}

// InvalidToken is the failure of a token that is not valid. RFC 6750, 3.1.
func InvalidToken(message string) error {
	return unauthorized(`Bearer error="invalid_token"`, message)
}

// Permit rejects a caller without the permission. RFC 6750, 3.1.
func (c *Call) Permit(p auth.Permission) error {
	if c.ID.Scope.Allows(p) {
		return nil
	}
	return Fail(Forbidden, fmt.Sprintf("The token's scope lacks %s", p)).
		With("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s"`, p))
}
