package records

import (
	"strings"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/inspect"
	"tidemark/shared/record"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// as says which rows the bearer of a token with some claims would pull, and may write. X9.
func (h *handler) as(c *door.Call) error {
	if _, err := parameters(c); err != nil {
		return err
	}
	body, err := c.ReadJSON(door.SmallBytes)
	if err != nil {
		return err
	}
	answer, err := h.of(c).Store.As(c.R.Context(), body, func(claims []byte) (inspect.Entry, record.Caller, error) { return enter(c, claims) }, door.Budget)
	if err != nil {
		return failureOf(err)
	}
	c.WriteJSON(web.StatusOK, answer)
	return nil
}

// enter says what a token with the claims may do where the call is, and who its bearer is for the rules of tables. The
// claims are read as those of a token whose signature is good. X9.
func enter(c *door.Call, claims []byte) (e inspect.Entry, caller record.Caller, err error) {
	id, invalid := c.ReadClaims(claims)
	e.Subject = id.Subject
	if invalid != nil {
		e.Why = append(e.Why, "the server rejects the token: "+strings.TrimPrefix(invalid.Error(), auth.ErrToken.Error()+": "))
		return e, caller, nil
	}
	now := c.Now()
	if !id.Expires.IsZero() && !now.Before(id.Expires) {
		e.Why = append(e.Why, "the token ended at "+written(id.Expires))
	}
	if now.Before(id.NotBefore) {
		e.Why = append(e.Why, "the token begins at "+written(id.NotBefore))
	}
	revoked, err := c.IsRevoked(id)
	if err != nil {
		return e, caller, err
	}
	if revoked {
		e.Why = append(e.Why, "the token was revoked")
	}
	here, named := id.In(c.Space.Name)
	switch {
	case named:
	case c.Space.Name == "":
		e.Why = append(e.Why, `its claim spaces does not name the root, which is ""`)
	default:
		e.Why = append(e.Why, "its claim spaces does not name this space")
	}
	valid := len(e.Why) == 0
	reads, writes := here.Scope.Allows(auth.SyncRead), here.Scope.Allows(auth.SyncWrite)
	e.Scope, e.Enters, e.Writes = permissions(here.Scope), valid && reads, valid && writes
	if named && !reads {
		e.Why = append(e.Why, "its scope has no "+string(auth.SyncRead))
	}
	if named && !writes {
		e.Why = append(e.Why, "its scope has no "+string(auth.SyncWrite))
	}
	return e, callerOf(here), nil
}

func written(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// permissions are the words of a scope. A scope without words has those that it allows.
func permissions(s auth.Scope) string {
	if !s.All {
		return s.Words
	}
	words := strings.Fields(s.Words)
	for _, p := range auth.Permissions {
		if (auth.Scope{All: true}).Allows(p) {
			words = append(words, string(p))
		}
	}
	return strings.Join(words, " ")
}
