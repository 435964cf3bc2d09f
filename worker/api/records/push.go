package records

import (
	"errors"

	"tidemark/shared/syncroom"
	"tidemark/shared/watermelon"
	"tidemark/worker/api/door"
)

// push writes rows, and tells the subscribers after the commit.
func (h *handler) push(c *door.Call, input []byte) ([]byte, error) {
	ctx := c.R.Context()
	answer, changed, err := h.of(c).Store.Push(ctx, c.Now(), callerOf(c), input)
	if err != nil {
		if !wroteNothing(err) {
			// The push may have been committed. The client sends it again, which then
			// changes nothing and tells nobody. So the subscribers are told now.
			if stamp, stampErr := h.of(c).Store.Stamp(ctx); stampErr == nil {
				c.PublishRecords(syncroom.Change{Table: syncroom.AnyTable, At: syncroom.Position(stamp)})
			}
		}
		return nil, err
	}
	c.PublishRecords(changed...)
	return answer, nil
}

// wroteNothing knows the errors of a push that certainly wrote nothing.
func wroteNothing(err error) bool {
	var input *watermelon.InputError
	var conflict *watermelon.ConflictError
	var failure *door.Failure
	return errors.As(err, &failure) || errors.As(err, &input) || errors.As(err, &conflict) || errors.Is(err, watermelon.ErrTooLarge)
}
