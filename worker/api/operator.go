package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tidemark/shared/auth"
	"tidemark/shared/syncroom"
	"tidemark/shared/trpc"
)

const (
	defaultKeepDays = 90
	maxKeepDays     = 36_500
)

// restore tells the store, and then every subscriber, that the database was
// restored to an earlier point.
func (s *server) restore(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	_, err := s.operatorBody(r, id, 0)
	var notEmpty *http.MaxBytesError
	if errors.As(err, &notEmpty) {
		return badRequest("A restore takes no body: it is for after the database was restored, and does not restore it")
	}
	if err != nil {
		return err
	}
	for _, restorer := range s.Restorers {
		if err := restorer.Restore(r.Context(), s.Now()); err != nil {
			return err
		}
	}
	floor, err := s.Sync.Restore(r.Context(), s.Now())
	if err != nil {
		return err
	}
	s.publish(r.Context(), syncroom.Change{Table: syncroom.AnyTable, Stamp: floor})
	write(w, http.StatusOK, fmt.Appendf(nil, `{"floor":%d}`, floor))
	return nil
}

// purge forgets tombstones that are older than {"keep_days":n}.
func (s *server) purge(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	body, err := s.operatorBody(r, id, smallBytes)
	if err != nil {
		return err
	}
	days, err := keepDays(body)
	if err != nil {
		return err
	}
	horizon, purged, err := s.Sync.Purge(r.Context(), s.Now(), time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, fmt.Appendf(nil, `{"horizon":%d,"purged":%d}`, horizon, purged))
	return nil
}

func (s *server) operatorBody(r *http.Request, id auth.Identity, limit int64) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, wrongMethod("POST")
	}
	if err := permit(id, auth.SyncAdmin); err != nil {
		return nil, err
	}
	return s.readJSON(r, limit)
}

// keepDays reads the body of a purge. A member that it does not know is
// refused: a misspelt one would purge more than was meant.
func keepDays(body []byte) (int, error) {
	if len(body) == 0 {
		return defaultKeepDays, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return 0, badRequest(`The body must be {"keep_days":n}, or empty`)
	}
	days := defaultKeepDays
	for name, value := range members {
		if name != "keep_days" {
			return 0, badRequest(fmt.Sprintf(`Unknown member %.64q: the body must be {"keep_days":n}, or empty`, name))
		}
		n, err := strconv.Atoi(string(value))
		if err != nil || n < 1 || n > maxKeepDays {
			return 0, badRequest(fmt.Sprintf("keep_days must be an integer from 1 to %d", maxKeepDays))
		}
		days = n
	}
	return days, nil
}

func badRequest(message string) error {
	return &trpc.Error{Code: trpc.BadRequest, Message: message}
}
