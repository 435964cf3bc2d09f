package api

import (
	"tidemark/shared/auth"
	"tidemark/shared/jsonvalue"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

// me says who the caller is, and what the token allows in the root or in the space. The
// Worker answers for a space: the space does not know what else the token reaches.
func me(c *door.Call) error {
	answer := struct {
		Subject     string   `json:"subject"`
		Scope       []string `json:"scope"`
		Spaces      []string `json:"spaces"`
		Rooms       []string `json:"rooms"`
		ExpiresAt   *int64   `json:"expires_at"` // Unix milliseconds; null: never
		MakesTokens bool     `json:"makes_tokens"`
	}{
		Subject: c.ID.Subject, Scope: c.ID.Scope.List(), Spaces: c.Token.Spaces.Globs(), Rooms: c.ID.Rooms.List(),
	}
	if end := c.ID.Expires; !end.IsZero() {
		millis := end.UnixMilli()
		answer.ExpiresAt = &millis
	}
	root, reached := c.Token.In("")
	answer.MakesTokens = reached && root.Scope.Allows(auth.SyncAdmin) && len(c.Settings.Auth.Secret) > 0
	body, err := jsonvalue.Marshal(answer)
	if err != nil {
		return err
	}
	c.WriteJSON(web.StatusOK, body)
	return nil
}
