//go:build !js

package projects

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/shared/delta"
	"tidemark/shared/project"
	"tidemark/shared/record"
	"tidemark/wasm/wasmtest"
	"tidemark/worker/store"
	"tidemark/worker/store/spaces"
)

// A simulation is one seed's story: writers of all roles who use REST and
// upload, and readers who pull in pages of one to five rows meanwhile.
type simulation struct {
	*rand.Rand
	key      string
	projects *Store
	model    *model
	readers  []*reader
	roles    map[string]project.Role
	members  map[string]string // user: the id of the membership
	made     int
	trace    []string
	fault    *fault
}

// Users are called after their role, but for the leaver, who comes and goes.
var simulated = []string{"Owner", "Admin", "Scheduler", "Member", "Viewer"}

const leaver = "leaver"

func simulateProject(db store.DB, statements *Statements, seed uint64, f *fault) error {
	s := &simulation{
		Rand: rand.New(rand.NewPCG(seed, 1)), key: fmt.Sprintf("p%d", seed), projects: New(db, statements), model: newModel(),
		roles: map[string]project.Role{}, members: map[string]string{}, fault: f,
	}
	f.between = s.write
	if err := s.run(); err != nil {
		return fmt.Errorf("seed %d: %w\n%s", seed, err, strings.Join(s.trace[max(0, len(s.trace)-40):], "\n"))
	}
	return nil
}

func (s *simulation) run() error {
	row := s.row(project.Projects, fields{"name": "P"})
	row.ID = s.key
	if _, err := s.projects.CreateProject(background, "Owner", row, s.key+".owner"); err != nil {
		return err
	}
	s.model.create(project.Projects, row)
	s.joined("Owner", "Owner", s.key+".owner")
	for _, user := range simulated[:4] {
		s.readers = append(s.readers, newReader(user))
	}
	s.readers = append(s.readers, newReader(leaver))
	for _, user := range append(simulated[1:], leaver) {
		role := user
		if user == leaver {
			role = "Member"
		}
		if err := s.join(user, role); err != nil {
			return err
		}
	}
	for range 60 {
		if err := s.step(); err != nil {
			return err
		}
	}
	return s.settle()
}

// step lets one writer or reader do one thing.
func (s *simulation) step() error {
	if s.IntN(2) == 0 {
		return s.read(s.readers[s.IntN(len(s.readers))])
	}
	return s.write()
}

func (s *simulation) write() error {
	user := append(simulated, leaver)[s.IntN(len(simulated)+1)]
	switch s.IntN(14) {
	case 0, 1, 2:
		return s.create(user, project.Tasks, s.taskFields())
	case 3, 4, 5:
		return s.patch(user, project.Tasks, s.any(project.Tasks), s.taskFields())
	case 6:
		return s.remove(user, project.Tasks, s.any(project.Tasks))
	case 7, 8:
		return s.create(user, project.Dependencies, fields{"predecessor_id": s.any(project.Tasks), "successor_id": s.any(project.Tasks)})
	case 9:
		return s.patch(user, project.Dependencies, s.any(project.Dependencies), fields{"lag_days": float64(s.IntN(9))})
	case 10:
		return s.patch(user, project.Projects, s.key, fields{"name": fmt.Sprint("P", s.IntN(1000))})
	case 11:
		return s.come()
	case 12:
		return s.create(user, project.Calendars, fields{"name": "C", "hours_per_day": float64(s.IntN(24))})
	}
	return s.upload(user)
}

// any is the id of some row, or of none.
func (s *simulation) any(name project.Name) string {
	ids := s.model.ids(name)
	if len(ids) == 0 || s.IntN(20) == 0 {
		return "none"
	}
	if s.IntN(2) == 0 {
		return ids[0] // a hot one
	}
	return ids[s.IntN(len(ids))]
}

func (s *simulation) taskFields() fields {
	f := fields{"name": fmt.Sprint("T", s.IntN(1000))}
	if s.IntN(3) == 0 {
		f["percent_complete"] = float64(s.IntN(101))
	}
	if s.IntN(4) == 0 {
		f["parent_id"] = s.any(project.Tasks)
	}
	if s.IntN(5) == 0 {
		f["assignee_id"] = simulated[s.IntN(len(simulated))]
	}
	if s.IntN(12) == 0 {
		f["planned_start"] = "2026-01-02"
	}
	return f
}

func (s *simulation) row(name project.Name, set fields) project.Row {
	var row project.Row
	c := project.Find(name)
	for i := range c.Fields {
		if v, ok := set[c.Fields[i].Name]; ok {
			row.Set = append(row.Set, project.Value{Field: &c.Fields[i], Value: v})
		}
	}
	return row
}

func (s *simulation) newID() string {
	s.made++
	return fmt.Sprintf("%s.%03d", s.key, s.made)
}

func (s *simulation) create(user string, name project.Name, set fields) error {
	row := s.row(name, set)
	row.ID = s.newID()
	_, err := s.projects.Create(background, Key{Project: s.key, Caller: user}, name, row)
	return s.done(err, s.maySet(user, name, "", row), fmt.Sprint(user, " creates ", name, " ", row.ID, set), func() { s.model.create(name, row) })
}

func (s *simulation) patch(user string, name project.Name, id string, set fields) error {
	row := s.row(name, set)
	row.ID = id
	_, err := s.projects.Patch(background, Key{Project: s.key, Caller: user}, name, row)
	return s.done(err, s.maySet(user, name, id, row), fmt.Sprint(user, " changes ", name, " ", id, set), func() { s.model.update(name, row) })
}

func (s *simulation) remove(user string, name project.Name, id string) error {
	_, err := s.projects.Delete(background, Key{Project: s.key, Caller: user}, name, id)
	return s.done(err, s.mayDelete(user, name, id), fmt.Sprint(user, " deletes ", name, " ", id), func() { s.model.remove(name, id) })
}

// done holds what the store said against what the rules say, and does the
// write to the model.
func (s *simulation) done(err error, want project.Code, what string, apply func()) error {
	var refusal *project.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return fmt.Errorf("%s: %w", what, err)
	}
	got := project.Code("")
	if refusal != nil {
		got = refusal.Code
	}
	s.trace = append(s.trace, fmt.Sprintf("%s: %q", what, got))
	if got != want {
		return fmt.Errorf("%s: got %q, want %q", what, got, want)
	}
	if got == "" {
		apply()
	}
	return nil
}

// maySet says how a creation (id "") or a change is refused, "" if it is not.
func (s *simulation) maySet(user string, name project.Name, id string, row project.Row) project.Code {
	role, action := s.roles[user], name.Edits()
	if id == "" {
		action = name.Creates()
	}
	if code := s.mayAct(role, action); code != "" {
		return code
	}
	was := s.model.rows[name][id]
	if id != "" && was == nil {
		return project.NotFound
	}
	if name == project.Tasks {
		if who := was["assignee_id"]; id != "" && who != nil && who != user && role < project.EditTasks.Needs() {
			return project.RoleTooLow
		}
		if v, ok := row.Value("planned_start"); ok && v != was["planned_start"] && role < project.PlanTasks.Needs() {
			return project.RoleTooLow
		}
	}
	for _, v := range row.Set {
		to, isID := v.Value.(string)
		if v.Field.Kind == project.Ref && isID && v.Field.To != project.Memberships && was[v.Field.Name] != to && s.model.rows[v.Field.To][to] == nil {
			return project.BadReference
		}
	}
	if parent, ok := row.Value("parent_id"); ok && id != "" && s.model.under(parent.(string), id) {
		return project.ParentCycle
	}
	if name == project.Dependencies && id == "" {
		from, _ := row.Value("predecessor_id")
		to, _ := row.Value("successor_id")
		if s.model.reaches(to.(string), from.(string)) {
			return project.LinkCycle
		}
		for _, link := range s.model.rows[name] {
			if link["predecessor_id"] == from && link["successor_id"] == to {
				return project.LinkTwice
			}
		}
	}
	return ""
}

func (s *simulation) mayDelete(user string, name project.Name, id string) project.Code {
	if code := s.mayAct(s.roles[user], name.Deletes()); code != "" {
		return code
	}
	if s.model.rows[name][id] == nil {
		return project.NotFound
	}
	return ""
}

func (s *simulation) mayAct(role project.Role, action project.Action) project.Code {
	switch {
	case role == project.NoRole:
		return project.Revoked
	case role < action.Needs():
		return project.RoleTooLow
	}
	return ""
}

// upload brings a creation, a change and perhaps a deletion, and sometimes a
// second time.
func (s *simulation) upload(user string) error {
	created, updated := s.row(project.Tasks, fields{"name": "N"}), s.row(project.Tasks, fields{"notes": fmt.Sprint(s.IntN(100))})
	created.ID, updated.ID = s.newID(), s.any(project.Tasks)
	in := &delta.Upload{BatchID: fmt.Sprintf("%s-%d", s.key, s.made), Created: []project.Row{created}}
	var want project.Code
	if updated.ID != "none" {
		in.Updated = []project.Row{updated}
		want = s.maySet(user, project.Tasks, updated.ID, updated)
	}
	if code := s.mayAct(s.roles[user], project.CreateTasks); code != "" {
		want = code
	}
	if gone := s.any(project.Tasks); s.IntN(4) == 0 && gone != updated.ID {
		in.Deleted = []string{gone}
		if want == "" && gone != "none" {
			want = s.mayDelete(user, project.Tasks, gone)
		}
	}
	key := Key{Project: s.key, Caller: user}
	now := time.UnixMilli(1_700_000_000_000)
	first, err := s.projects.Upload(background, now, key, in)
	if err := s.done(err, want, fmt.Sprintf("%s uploads %s, %v", user, created.ID, in.Deleted), func() {
		s.model.create(project.Tasks, created)
		if len(in.Updated) > 0 {
			s.model.update(project.Tasks, updated)
		}
		for _, id := range in.Deleted {
			s.model.remove(project.Tasks, id)
		}
	}); err != nil || want != "" || s.IntN(3) > 0 {
		return err
	}
	again, err := s.projects.Upload(background, now, key, in)
	if err != nil || string(again.Answer) != string(first.Answer) {
		return fmt.Errorf("a retry was answered %s, %w, the first time %s", again.Answer, err, first.Answer)
	}
	return nil
}

// come lets the leaver in or out.
func (s *simulation) come() error {
	if s.roles[leaver] == project.NoRole {
		return s.join(leaver, "Member")
	}
	id := s.members[leaver]
	return s.done(s.removeMember(id), "", "the leaver is removed", func() {
		s.model.remove(project.Memberships, id)
		s.roles[leaver] = project.NoRole
	})
}

func (s *simulation) removeMember(id string) error {
	_, err := s.projects.Delete(background, Key{Project: s.key, Caller: "Admin"}, project.Memberships, id)
	return err
}

func (s *simulation) join(user, role string) error {
	row := s.row(project.Memberships, fields{"user_id": user, "role": role})
	row.ID = s.newID()
	_, err := s.projects.Create(background, Key{Project: s.key, Caller: "Owner"}, project.Memberships, row)
	return s.done(err, "", user+" joins", func() { s.joined(user, role, row.ID) })
}

func (s *simulation) joined(user, role, id string) {
	row := s.row(project.Memberships, fields{"user_id": user, "role": role})
	row.ID = id
	s.model.create(project.Memberships, row)
	s.members[user] = id
	for _, r := range project.Roles {
		if r.String() == role {
			s.roles[user] = r
		}
	}
}

// read pulls one page. Who was removed pulls a last time, and starts over.
func (s *simulation) read(r *reader) error {
	in := delta.Pull{Project: s.key, Since: r.since, PageRows: 1 + s.IntN(5)}
	if r.cursor != "" {
		c, err := delta.ParseCursor(r.cursor)
		if err != nil {
			return err
		}
		in.After = &c
		if s.fault.remark {
			if _, c.Mark, err = s.projects.Role(background, Key{Project: s.key, Caller: r.user}); err != nil {
				return nil
			}
		}
	}
	answer, err := s.projects.Pull(background, r.user, in, store.Budget{})
	var refusal *project.Refusal
	if errors.As(err, &refusal) && refusal.Code == project.Revoked && s.roles[r.user] == project.NoRole {
		in.After, in.Final = nil, true
		if answer, err = s.projects.Pull(background, r.user, in, store.Budget{}); err == nil {
			_, err = r.apply(answer)
		}
		if err != nil {
			return fmt.Errorf("the last pull of %s: %w", r.user, err)
		}
		if d := r.differs(newModel()); d != "" {
			return fmt.Errorf("after the last pull %s has:\n%s", r.user, d)
		}
		r.forget()
		return nil
	}
	if err != nil {
		return fmt.Errorf("pull of %s: %w", r.user, err)
	}
	done, err := r.apply(answer)
	s.trace = append(s.trace, fmt.Sprintf("%s pulls: done %v, since %d", r.user, done, r.since))
	return err
}

// settle lets every reader finish and pull once more; nobody writes any more.
func (s *simulation) settle() error {
	s.fault.between = func() error { return nil }
	for _, r := range s.readers {
		for round := 0; round < 2; {
			if err := s.read(r); err != nil {
				return err
			}
			if r.cursor == "" {
				round++
			}
		}
		want := s.model
		if s.roles[r.user] == project.NoRole {
			want = newModel()
		}
		if d := r.differs(want); d != "" {
			return fmt.Errorf("the copy of %s, since %d:\n%s", r.user, r.since, d)
		}
	}
	return nil
}

// TestProjectSimulation runs SIMULATE_SEEDS seeds (300; 100 with -short), or the one in
// SIMULATE_SEED.
func TestProjectSimulation(t *testing.T) {
	statements := NewStatements()
	wasmtest.Seeds(t, 300, 100, func(t *testing.T) func(uint64) error {
		db := wasmtest.OpenD1(t, store.Migrations())
		return func(seed uint64) error { return simulateProject(db, statements, seed, &fault{}) }
	})
}

// TestProjectSimulationInSpaces runs each tenth of SIMULATE_SEEDS seeds (300; 100 with -short)
// in a space. S2: the statements are those of the root, whatever an object counts as changes.
func TestProjectSimulationInSpaces(t *testing.T) {
	statements := NewStatements()
	wasmtest.Seeds(t, 300, 100, func(t *testing.T) func(uint64) error {
		db := spaces.New(wasmtest.NewObject(t), spaces.NewTables(record.Default()), time.Now, func(bool) {})
		return func(seed uint64) error {
			if seed%10 > 0 {
				return nil
			}
			return simulateProject(db, statements, seed, &fault{})
		}
	})
}
