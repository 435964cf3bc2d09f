package door

import (
	"context"
	"fmt"
	"strings"

	"tidemark/shared/auth"
)

// Protocol is the WebSocket subprotocol that a client offers before its token,
// as in new WebSocket(url, ["tidemark", token]), and that the server selects.
const Protocol = "tidemark"

// Identify finds out who the caller is, by Authorization: Bearer TOKEN. A browser
// cannot set that header for a WebSocket. A WebSocket may bring instead, in this
// order of precedence, a ticket as ?ticket=, the token as the subprotocol that
// follows Protocol, or the token as ?token=. It rejects a token that does not name the
// space.
func (c *Call) Identify() (err error) {
	switch {
	case c.rejected != nil:
		return c.rejected
	case c.known:
		return nil
	}
	ctx := c.R.Context()
	if c.ticket != "" {
		c.ID, err = c.redeem(ctx, c.ticket)
	} else if err = c.permitOrigin(c.R); err == nil {
		c.ID, err = c.bearer()
	}
	if err == nil {
		err = c.notRevoked(ctx, c.ID)
	}
	return err
}

// bearer returns the identity that the caller's token or ticket has in the space.
func (c *Call) bearer() (auth.Identity, error) {
	d, r := c.Door, c.R
	if d.Invalid != nil {
		return auth.Identity{}, Fail(ServiceUnavailable, d.Invalid.Error())
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return auth.Identity{}, unauthorized(`Bearer`, "The header authorization must be: Bearer TOKEN")
		}
		return c.verifyIn(strings.TrimSpace(token))
	}
	inURL := ""
	if IsUpgrade(r) {
		query := Query(r)
		if ticket := query.Get("ticket"); ticket != "" {
			return c.redeem(r.Context(), ticket)
		}
		if offered := protocols(r); len(offered) == 2 && offered[0] == Protocol {
			return c.verifyIn(offered[1])
		}
		if token := query.Get("token"); token != "" {
			return c.verifyIn(token)
		}
		inURL = ", or as ?ticket= or ?token="
	}
	return auth.Identity{}, unauthorized(`Bearer`, "A token is needed, in the header authorization: Bearer TOKEN"+inURL)
}

// verifyIn returns the identity of a token in the space. A1, A3: it does not ask
// whether the space exists.
func (c *Call) verifyIn(token string) (auth.Identity, error) {
	id, err := c.verify(c.R.Context(), token)
	if err != nil {
		return id, err
	}
	c.Token = id
	id, named := id.In(c.Space.Name)
	switch {
	case named:
		return id, nil
	case c.Space.Name == "":
		return id, Fail(Forbidden, `The token's spaces do not include the root, which is ""`)
	}
	return id, Fail(Forbidden, "The token's spaces do not include this one: the claim spaces must name it")
}

var errTicket = InvalidToken("The ticket is unknown, was used or has expired")

// redeem returns the identity of the first caller that brings the ticket. A ticket keeps no
// Claims, which the rules of tables ask for. So only the routes of sockets take one.
func (c *Call) redeem(ctx context.Context, ticket string) (auth.Identity, error) {
	if !c.isTicket(ticket) || c.Route != nil && !c.Route.Socket {
		return auth.Identity{}, errTicket
	}
	id, found, err := c.Space.Tickets.TakeTicket(ctx, c.Now(), HashTicket(ticket))
	if err != nil {
		return auth.Identity{}, err
	}
	if !found {
		return auth.Identity{}, errTicket
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
