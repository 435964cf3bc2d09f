package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tidemark/shared/abi"
	"tidemark/shared/auth"
	"tidemark/shared/ijson"
	"tidemark/shared/record"
	"tidemark/shared/syncroom"
	"tidemark/shared/trpc"
	"tidemark/shared/watermelon"
)

// push pushes, and tells the subscribers after the commit.
func (s *server) push(ctx context.Context, input []byte) ([]byte, error) {
	answer, changed, err := s.Sync.Push(ctx, s.Now(), input)
	if err != nil {
		if !refused(err) {
			// It may have been committed: the client sends it again, which then
			// changes nothing, so that nobody would be told.
			if stamp, stampErr := s.Sync.Stamp(ctx); stampErr == nil {
				s.publish(ctx, syncroom.Change{Table: syncroom.AnyTable, Stamp: stamp})
			}
		}
		return nil, err
	}
	changes := make([]syncroom.Change, len(changed))
	for i, c := range changed {
		changes[i] = syncroom.Change{Table: c.Table, Stamp: c.Stamp}
	}
	s.publish(ctx, changes...)
	return answer, nil
}

// refused knows the errors of a push that surely wrote nothing.
func refused(err error) bool {
	var input *watermelon.InputError
	var conflict *watermelon.ConflictError
	return errors.As(err, &input) || errors.As(err, &conflict) || errors.Is(err, watermelon.ErrTooLarge)
}

func (s *server) publish(ctx context.Context, changes ...syncroom.Change) {
	if len(changes) > 0 {
		s.Rooms.Publish(ctx, SyncBinding, SyncRoom, syncroom.AppendChanges(nil, changes))
	}
}

// turbo answers a pull as WatermelonDB's turbo mode wants it, whose text goes
// to the client's native code unread. WatermelonDB docs, Sync/Frontend, turbo
// login.
func (s *server) turbo(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	if err := onlyGet(r); err != nil {
		return err
	}
	if err := permit(id, auth.SyncRead); err != nil {
		return err
	}
	input, err := queryInput(queryOf(r))
	if err != nil {
		return err
	}
	answer, _, err := s.Sync.Pull(r.Context(), s.Now(), input, s.budget(s.Settings.Sync.PullBytes))
	if err != nil {
		return err
	}
	writePieces(w, http.StatusOK, answer)
	return nil
}

// queryInput makes the input of a pull from a URL: input is the whole of it as
// JSON, or its members stand alone, named as in JSON or as in WatermelonDB's
// documentation. Whether they are good is for the pull to say.
func queryInput(query url.Values) ([]byte, error) {
	if input := query.Get("input"); input != "" {
		return []byte(input), nil
	}
	b := []byte{'{'}
	for _, p := range [...][3]string{
		{"lastPulledAt", "last_pulled_at"}, {"schemaVersion", "schema_version"},
		{"migration", "migration"}, {"limit", "limit"}, {"cursor", "cursor"},
	} {
		v := query.Get(p[0])
		if v == "" {
			v = query.Get(p[1])
		}
		if v == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(ijson.AppendString(b, p[0]), ':')
		kind, valid := jsonKind(v)
		switch {
		case p[0] == "migration" && !valid:
			return nil, &trpc.Error{Code: trpc.BadRequest, Message: "The parameter migration is not JSON"}
		case p[0] == "migration", p[0] != "cursor" && valid && (kind == ijson.Number || kind == ijson.Null):
			b = append(b, v...)
		default:
			b = ijson.AppendString(b, strings.ToValidUTF8(v, "\uFFFD"))
		}
	}
	return append(b, '}'), nil
}

func jsonKind(v string) (k ijson.Kind, valid bool) {
	const depth = 32 // a migration nests no deeper than 4
	s := ijson.NewScanner([]byte(v), depth)
	k = s.Kind()
	s.Skip()
	return k, s.End() == nil
}

func (s *server) checksum(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	if err := onlyGet(r); err != nil {
		return err
	}
	if err := permit(id, auth.SyncRead); err != nil {
		return err
	}
	answer, err := s.Sync.Checksum(r.Context(), memoryBudget)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, answer)
	return nil
}

// subscribe hands a WebSocket to SyncRoom, with the stamp of the last commit:
// whatever is committed later, the room is told.
func (s *server) subscribe(w http.ResponseWriter, r *http.Request, id auth.Identity) error {
	if err := onlyGet(r); err != nil {
		return err
	}
	if err := permit(id, auth.SyncRead); err != nil {
		return err
	}
	if !isUpgrade(r) {
		return &failure{trpc.Error{Code: upgradeRequired, Message: "This is a WebSocket"}, "Upgrade", "websocket"}
	}
	if err := s.enter(r.Context(), id, everybodysRoom); err != nil {
		return err
	}
	stamp, err := s.Sync.Stamp(r.Context())
	if err != nil {
		return err
	}
	return s.Rooms.Forward(w, r, abi.Forward{
		Binding: SyncBinding, Name: SyncRoom, Protocol: protocol(r), Owner: owner(id), Attachment: syncroom.Admission{Stamp: record.Stamp(stamp), Session: sessionOf(id)}.Append(nil),
	})
}

// upgradeRequired is no code of tRPC, where WebSockets are not.
var upgradeRequired = trpc.Code{Name: "UPGRADE_REQUIRED", Status: http.StatusUpgradeRequired}

func onlyGet(r *http.Request) error {
	if r.Method != http.MethodGet {
		return wrongMethod("GET")
	}
	return nil
}
