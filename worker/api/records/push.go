package records

import (
	"errors"

	"tidemark/shared/inspect"
	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/api/door"
)

// push writes rows, and tells the subscribers after the commit.
func (h *handler) push(c *door.Call, input []byte) ([]byte, error) {
	ctx := c.R.Context()
	answer, changed, err := h.of(c).Store.Push(ctx, c.Now(), callerOf(c.ID), input)
	if err != nil {
		if !wroteNothing(err) {
			h.tellAll(c)
		}
		return nil, err
	}
	c.PublishRecords(changed...)
	return answer, nil
}

// tellAll tells the subscribers that any table may have changed. A write whose error says nothing may have been
// committed. The client sends it again, which then changes nothing and tells nobody.
func (h *handler) tellAll(c *door.Call) {
	if stamp, err := h.of(c).Store.Stamp(c.R.Context()); err == nil {
		c.PublishRecords(syncroom.Change{Table: syncroom.AnyTable, At: syncroom.Position(stamp)})
	}
}

// wroteNothing knows the errors of a push that certainly wrote nothing.
func wroteNothing(err error) bool {
	var input *watermelon.InputError
	var conflict *watermelon.ConflictError
	var failure *door.Failure
	var change *inspect.ChangeError
	return errors.As(err, &failure) || errors.As(err, &change) || errors.As(err, &input) || errors.As(err, &conflict) || errors.Is(err, watermelon.ErrTooLarge)
}
