package space

import (
	"context"

	"tidemark/shared/session"
	store "tidemark/worker/store/spaces"
)

// notable returns the bytes that a space holds, or 0 while they are less than spaces.NotablePercent of what it may hold.
func (s *Space) notable(bytes int64) int64 {
	if s.percent(bytes) < store.NotablePercent {
		return 0
	}
	return bytes
}

func (s *Space) percent(bytes int64) int64 { return bytes * 100 / max(s.Bytes, 1) }

// fill returns how many bytes the space holds. If that is another notable per cent than the one which the
// directory knows, the next alarm tells it. Call fill in an event.
func (s *Space) fill() int64 {
	bytes := s.object.Size()
	if !s.tells && s.percent(s.notable(bytes)) != s.percent(s.told) {
		s.tells = true
		s.wake(session.Sooner(s.due, s.Now()))
	}
	return bytes
}

// tell tells the directory how many bytes the space holds, if they are notable and the directory has
// another per cent.
func (s *Space) tell(ctx context.Context, bytes int64, state store.State) error {
	if s.percent(bytes) != s.percent(state.Told) {
		if err := s.Directory.Fill(ctx, s.name, bytes); err != nil {
			return err
		}
	} else {
		bytes = state.Told
	}
	s.tells = false
	return s.change(ctx, func(now *store.State) error {
		if now.CreatedAt == state.CreatedAt {
			now.Told = bytes
		}
		return nil
	})
}
