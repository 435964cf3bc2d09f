//go:build !js

// Package yjsdiff_test compares shared/yjs with yjs in Node on random sessions: the same
// 1,000, or 100 with -short, within 10 seconds. With YJSDIFF_SECONDS it runs so long, with
// other sessions each time. YJSDIFF_SEED sets the first seed, to repeat a failure.
package yjsdiff_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"tidemark/shared/yjs"
)

// A session is a line of sessions.mjs: updates and the results of yjs.
type session struct {
	Seed        int
	GC, Pending bool
	Updates     [][]byte
	Events      [][]byte

	State, StateV2, StateVector []byte
	From, Diff                  []byte
	Text                        string
	JSON                        map[string]string // of every root that came up

	Merged, MergedV2, MergedVector, MergedDiff []byte
	MergedMeta                                 [][3]uint64

	Some                     [][]byte
	SomeMerged, SomeMergedV2 []byte

	// gcMet: where a GC and an item start at the same clock in more than two
	// updates, yjs' merge took the other one.
	gcMet bool
}

// node is the Node of e2e/node_modules, or the machine's.
func node(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("../node_modules/yjs"); err != nil {
		t.Skip("needs yjs: run npm ci in e2e")
	}
	for _, name := range []string{"../node_modules/.bin/node", "node"} {
		if path, err := exec.LookPath(name); err == nil {
			path, err = filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Skip("needs node")
	return ""
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// long reports whether this run uses new sessions, and not the same ones each time.
func long() bool { return os.Getenv("YJSDIFF_SECONDS") != "" }

func firstSeed(t *testing.T) int {
	t.Helper()
	seed := 1
	if long() {
		seed = int(time.Now().Unix()) % 1_000_000 * 1000
	}
	return setting(t, "YJSDIFF_SEED", seed)
}

func TestSessionsEqualYjs(t *testing.T) {
	seconds, seed := setting(t, "YJSDIFF_SECONDS", 10), firstSeed(t)
	most := 1000
	if long() {
		most = math.MaxInt
	} else if testing.Short() {
		most = 100
	}
	cmd := exec.Command(node(t), "sessions.mjs", strconv.Itoa(seed), strconv.Itoa(seconds))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n, updates, gcMet := 0, 0, 0
	defer func() {
		enough := t.Failed() || n == most
		if enough {
			cmd.Process.Kill()
		}
		if err := cmd.Wait(); err != nil && !enough {
			t.Error(err)
		}
	}()
	lines := bufio.NewReader(out)
	var written bytes.Buffer
	for n < most {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var s session
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%.200s: %v", line, err)
		}
		s.check(t, &written)
		if t.Failed() {
			t.Fatalf("see it again with YJSDIFF_SEED=%d YJSDIFF_SECONDS=1", s.Seed)
		}
		n++
		updates += len(s.Updates)
		if s.gcMet {
			gcMet++
		}
	}
	if n == 0 {
		t.Error("no sessions")
	}
	t.Logf("%d sessions from seed %d on, %d updates; %d merged otherwise where GCs meet items", n, seed, updates, gcMet)
	if gcMet > 2+n/50 {
		t.Errorf("%d of %d sessions merged otherwise, want at most one in fifty", gcMet, n)
	}
	yjsReads(t, &written)
}

// check replays s, and writes what Go encoded to out.
func (s *session) check(t *testing.T, out *bytes.Buffer) {
	d := yjs.New(yjs.Options{KeepDeleted: !s.GC})
	var log yjs.Log
	waited := false
	for i, update := range s.Updates {
		event, err := d.Apply(update)
		if err != nil {
			t.Errorf("apply update %d, %x: %v", i, update, err)
			return
		}
		if err := log.Append(update); err != nil {
			t.Error(err)
		}
		// yjs tries pending structs again at other times: then the same is said in
		// other events.
		waited = waited || d.HasPending()
		if !waited {
			same(t, fmt.Sprintf("event of update %d, %x", i, update), event, s.Events[i], nil)
		}
	}
	if d.HasPending() != s.Pending {
		t.Errorf("pending: got %v, want %v", d.HasPending(), s.Pending)
	}
	same(t, "state vector", d.EncodeStateVector(), s.StateVector, nil)
	if !s.Pending {
		s.checkJSON(t, d)
	}
	state, err := d.EncodeStateAsUpdate(nil)
	if !s.Pending {
		same(t, "state", state, s.State, err)
		stateV2, err := yjs.ConvertV1ToV2(state)
		same(t, "state in V2", stateV2, s.StateV2, err)
		back, err := yjs.ConvertV2ToV1(s.StateV2)
		same(t, "state from V2", back, s.State, err)
		diff, err := d.EncodeStateAsUpdate(s.From)
		same(t, fmt.Sprintf("difference to %x", s.From), diff, s.Diff, err)
	}

	merged, err := yjs.MergeUpdates(s.Updates...)
	if !bytes.Equal(merged, s.Merged) && holdsTheSame(merged, s.Merged) {
		s.gcMet = true
	} else {
		same(t, "merged updates", merged, s.Merged, err)
	}
	// Converting keeps a flag that yjs clears, and that a difference clears too.
	cleared, err := yjs.DiffUpdate(s.Merged, []byte{0})
	if err != nil {
		t.Error(err)
	}
	mergedV2, err := yjs.ConvertV1ToV2(cleared)
	same(t, "merged updates in V2", mergedV2, s.MergedV2, err)
	vector, err := yjs.StateVectorFromUpdate(s.Merged)
	same(t, "state vector of merged updates", vector, s.MergedVector, err)
	diff, err := yjs.DiffUpdate(s.Merged, s.From)
	same(t, fmt.Sprintf("difference of merged updates to %x", s.From), diff, s.MergedDiff, err)
	meta, err := yjs.ParseUpdateMeta(s.Merged)
	if err != nil {
		t.Errorf("meta of merged updates: %v", err)
	}
	var ranges [][3]uint64
	for _, r := range meta {
		ranges = append(ranges, [3]uint64{r.Client, r.From, r.To})
	}
	slices.SortFunc(s.MergedMeta, func(a, b [3]uint64) int { return cmp.Compare(b[0], a[0]) })
	if !slices.Equal(ranges, s.MergedMeta) {
		t.Errorf("meta of merged updates: got %v, want %v", ranges, s.MergedMeta)
	}

	some, err := yjs.MergeUpdates(s.Some...)
	same(t, "some updates merged", some, s.SomeMerged, err)
	inV2 := make([][]byte, len(s.Some))
	for i, update := range s.Some {
		if inV2[i], err = yjs.ConvertV1ToV2(update); err != nil {
			t.Error(err)
		}
	}
	some, err = yjs.MergeUpdatesV2(inV2...)
	if len(some) > 1 {
		same(t, "some updates merged in V2", some, s.SomeMergedV2, err)
	}

	logged, err := log.State()
	if err != nil {
		t.Error(err)
	}
	dropped, err := yjs.DropDeleted(logged)
	if err != nil {
		t.Error(err)
	}
	const most = 100 // some pieces of each document
	pieces, mergedPieces := collect(t, d.Pieces(nil, most)), collect(t, yjs.Pieces(logged, most))
	stateV2, err := yjs.ConvertV1ToV2(state)
	if err != nil {
		t.Error(err)
	}
	version, restore := s.restore(t, d)
	line, err := json.Marshal(map[string]any{
		"seed": s.Seed, "gc": s.GC, "pending": s.Pending, "stateVector": s.StateVector, "text": s.Text,
		"v1": state, "v2": stateV2, "merged": logged, "dropped": dropped,
		"pieces": pieces, "mergedPieces": mergedPieces,
		"version": version, "restore": restore,
	})
	if err != nil {
		t.Error(err)
	}
	out.Write(append(line, '\n'))
}

func collect(t *testing.T, pieces iter.Seq2[[]byte, error]) (all [][]byte) {
	for piece, err := range pieces {
		if err != nil {
			t.Errorf("in pieces: %v", err)
		}
		all = append(all, piece)
	}
	return all
}

// restore restores d to what it was after some of the updates. Then there is nothing
// left to restore. It returns that version, and the update that restores it.
func (s *session) restore(t *testing.T, d *yjs.Doc) (version, update []byte) {
	then := yjs.New(yjs.Options{KeepDeleted: !s.GC})
	for _, u := range s.Updates[:s.Seed%len(s.Updates)] {
		if _, err := then.Apply(u); err != nil {
			t.Error(err)
		}
	}
	if then.HasPending() { // yjs may take more in when it reads that again
		then = yjs.New(yjs.Options{KeepDeleted: !s.GC})
	}
	version, err := then.EncodeStateAsUpdate(nil)
	if err != nil {
		t.Error(err)
	}
	const client = 1 << 40 // the sessions have others
	update = d.Restore(then, client)
	now, err := d.EncodeStateAsUpdate(nil)
	if err != nil {
		t.Error(err)
	}
	restored := yjs.New(yjs.Options{KeepDeleted: !s.GC})
	for _, u := range [][]byte{now, update} {
		if u == nil {
			continue
		}
		if _, err := restored.Apply(u); err != nil {
			t.Errorf("restore by %x: %v", u, err)
		}
	}
	// What waits may come in with a document that is read again.
	if again := restored.Restore(then, client+1); again != nil && !s.Pending {
		t.Errorf("a second restore writes %x", again)
	}
	return version, update
}

// holdsTheSame tells whether updates differ at most in which of their deleted
// structs are GCs.
func holdsTheSame(a, b []byte) bool {
	x, err := yjs.Validate(a, yjs.Limits{})
	if err != nil {
		return false
	}
	y, err := yjs.Validate(b, yjs.Limits{})
	if err != nil || !slices.Equal(x.Structs, y.Structs) || !slices.Equal(slices.Collect(x.DeleteRanges()), slices.Collect(y.DeleteRanges())) {
		return false
	}
	left, right := yjs.New(yjs.Options{}), yjs.New(yjs.Options{})
	if _, err := left.Apply(a); err != nil {
		return false
	}
	if _, err := right.Apply(b); err != nil {
		return false
	}
	return bytes.Equal(left.EncodeStateVector(), right.EncodeStateVector()) && bytes.Equal(left.AppendDeleteSet(nil), right.AppendDeleteSet(nil))
}

// kinds are those that the sessions use their roots as.
var kinds = map[string]yjs.Kind{"text": yjs.Text, "ré": yjs.Text, "arr": yjs.Array, "map": yjs.Map, "xml": yjs.XMLFragment}

func (s *session) checkJSON(t *testing.T, d *yjs.Doc) {
	if got := d.Text("text"); got != s.Text {
		t.Errorf("text: got %q, want %q", got, s.Text)
	}
	text, err := d.AppendJSON(nil, kinds, 1<<20)
	var got map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Errorf("JSON %s: %v", text, err)
		return
	}
	for root, want := range s.JSON {
		if string(got[root]) != want {
			t.Errorf("JSON of %s\n got %s\nwant %s", root, got[root], want)
		}
	}
}

// yjsReads lets yjs read what Go has written.
func yjsReads(t *testing.T, written *bytes.Buffer) {
	cmd := exec.Command(node(t), "read.mjs")
	cmd.Stdin = written
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("yjs reads otherwise: %v\n%s", err, out)
	}
}

func same(t *testing.T, what string, got, want []byte, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s\n got %x\nwant %x", what, got, want)
	}
}
