package records

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"tidemark/shared/jsonvalue"
	"tidemark/shared/syncroom"
	"tidemark/shared/web"
	"tidemark/worker/api/door"
)

const (
	defaultKeepDays = 90
	maxKeepDays     = 36_500
)

// restore tells the store, and then every subscriber, that the database was
// restored to an earlier point.
func (h *handler) restore(c *door.Call) error {
	_, err := c.ReadJSON(0)
	var notEmpty *web.MaxBytesError
	if errors.As(err, &notEmpty) {
		return door.Fail(door.BadRequest, "A restore takes no body. Restore the database first: this request does not do it")
	}
	if err != nil {
		return err
	}
	for _, restorer := range h.of(c).Restorers {
		if err := restorer.Restore(c.R.Context(), c.Now()); err != nil {
			return err
		}
	}
	floor, err := h.of(c).Store.Restore(c.R.Context(), c.Now())
	if err != nil {
		return err
	}
	c.PublishRecords(syncroom.Change{Table: syncroom.AnyTable, At: syncroom.Position(floor)})
	c.WriteJSON(web.StatusOK, fmt.Appendf(nil, `{"floor":%d}`, floor))
	return nil
}

// purge deletes tombstones that are older than {"keep_days":n}. If it leaves some, the
// operator repeats the request.
func (h *handler) purge(c *door.Call) error {
	body, err := c.ReadJSON(door.SmallBytes)
	if err != nil {
		return err
	}
	days, err := keepDays(body)
	if err != nil {
		return err
	}
	purged, err := h.of(c).Store.Purge(c.R.Context(), c.Now(), time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	more := ""
	if purged.More {
		more = `,"more":true`
	}
	c.WriteJSON(web.StatusOK, fmt.Appendf(nil, `{"horizon":%d,"purged":%d%s}`, purged.Horizon, purged.Tombstones, more))
	return nil
}

// keepDays reads the body of a purge. It rejects an unknown member, as a misspelt
// one would purge more than the operator meant.
func keepDays(body []byte) (int, error) {
	if len(body) == 0 {
		return defaultKeepDays, nil
	}
	var members map[string]jsonvalue.RawMessage
	if err := jsonvalue.Unmarshal(body, &members); err != nil || members == nil {
		return 0, door.Fail(door.BadRequest, `The body must be {"keep_days":n}, or empty`)
	}
	days := defaultKeepDays
	for name, value := range members {
		if name != "keep_days" {
			return 0, door.Fail(door.BadRequest, fmt.Sprintf(`Unknown member %.64q: the body must be {"keep_days":n}, or empty`, name))
		}
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 1 || n > maxKeepDays {
			return 0, door.Fail(door.BadRequest, fmt.Sprintf("keep_days must be an integer from 1 to %d", maxKeepDays))
		}
		days = n
	}
	return days, nil
}
