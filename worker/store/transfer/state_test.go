//go:build !js

package transfer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
	"tidemark/shared/yroom"
	"tidemark/worker/store"
)

// newRoomyPlace is a place that takes only states that a room can read, as the guest does.
func newRoomyPlace(t testing.TB) *place {
	p := newPlace(t)
	s := *statements
	s.CheckState = yroom.CheckState
	p.transfer = New(p.db, &s)
	return p
}

// words is an update of a text.
func words(text string) []byte {
	b := append([]byte{1, 1, 7, 0, 4, 1}, lib0.AppendString(nil, "root")...)
	return append(lib0.AppendString(b, text), 0)
}

// stateLines are the lines of a document, or of a version, in pieces of that many bytes.
func stateLines(kind string, state []byte, most int) (lines []string) {
	pieces := slices.Collect(slices.Chunk(state, most))
	if len(pieces) == 0 {
		pieces = [][]byte{nil}
	}
	head, tail := `{"document":"r","updated_at":5`, fmt.Sprintf(`,"parts":%d`, len(pieces)-1)
	if kind == "version" {
		head, tail = `{"version":"v","document":"r"`, fmt.Sprintf(`,"bytes":%d,"name":"","subject":"","created_at":1`, len(state))
	}
	for n, piece := range pieces[1:] {
		lines = append(lines, fmt.Sprintf(`%s,"part":%d,"state":"%s"}`, head, n+1, base64.StdEncoding.EncodeToString(piece)))
	}
	return append(lines, fmt.Sprintf(`%s%s,"state":"%s"}`, head, tail, base64.StdEncoding.EncodeToString(pieces[0])))
}

// A state is checked when its last piece comes, whether the others stand in the same page or
// in earlier ones.
func TestAStateThatNoRoomCanReadIsRefusedWithTheLineOfItsLastPiece(t *testing.T) { // S11
	good := words(strings.Repeat("plain words ", 20))
	broken := bytes.Clone(good)
	broken[100] = 0xff // no UTF-8
	v2, err := yjs.ConvertV1ToV2(good)
	if err != nil {
		t.Fatal(err)
	}
	many := lib0.AppendUint(nil, 250_001)
	for n := range uint64(250_001) {
		many = append(lib0.AppendUint(append(many, 0), 250_001-n), 0) // without structs
	}
	many = append(many, 0)
	for _, c := range []struct {
		name              string
		state             []byte
		document, version string // "": it is taken
	}{
		{"whole", good, "", ""},
		{"cut short", good[:len(good)-50], "no update that a room can read", "no update that a room can read"},
		{"a piece of something else", broken, "no update that a room can read", "no update that a room can read"},
		{"more behind it", append(bytes.Clone(good), 0), "no update that a room can read", "no update that a room can read"},
		{"format V2", v2, "no update that a room can read", "no update that a room can read"},
		{"nothing", nil, "", "no update that a room can read"},
		{"more clients than a room reads", many, "too many clients", "too many clients"},
	} {
		for kind, want := range map[string]string{"document": c.document, "version": c.version} {
			for _, pieces := range []int{1, 2, 7} {
				lines := stateLines(kind, c.state, max(1, (len(c.state)/pieces+3)/3*3))
				for _, together := range []bool{true, false} {
					what := fmt.Sprintf("%s %q in %d pieces, in one page %v", kind, c.name, len(lines), together)
					p := newRoomyPlace(t)
					var pages [][]byte
					if together {
						pages = [][]byte{onePage(lines...)}
					} else {
						pages = append(pages, pageOf(header, `{"next":"c"}`))
						for n, line := range lines {
							pages = append(pages, pageOf(fmt.Sprintf(`{"page":%d,"export":"x"}`, n+2), line, `{"next":"c"}`))
						}
					}
					last := len(pages) - 1
					p.take(pages[:last])
					before := p.all()
					_, err := p.import1(pages[last])
					var refused *LineError
					at := 2
					if together {
						at = len(lines) + 1
					}
					switch {
					case want == "" && err != nil:
						t.Errorf("%s: %v", what, err)
					case want != "" && (!errors.As(err, &refused) || refused.Line != at || !strings.Contains(refused.Reason, want)):
						t.Errorf("%s: %v, want line %d: …%s", what, err, at, want)
					case want != "" && p.all() != before:
						t.Errorf("%s: something of the page was written", what)
					}
				}
			}
		}
	}
}

// What was checked stays as it is.
func TestAPieceAfterTheLastOneIsRefused(t *testing.T) { // S11
	for _, kind := range []string{"document", "version"} {
		lines := stateLines(kind, words("plain words"), 9)
		for _, late := range []string{lines[0], strings.Replace(lines[0], `"part":1`, `"part":9`, 1), lines[len(lines)-1]} {
			p := newRoomyPlace(t)
			var refused *LineError
			if _, err := p.import1(onePage(append(slices.Clone(lines), late)...)); !errors.As(err, &refused) || refused.Line != len(lines)+2 || refused.Reason != complete {
				t.Errorf("%s in the same page: %v", late, err)
			}
			if late == lines[len(lines)-1] {
				continue // of a later page it is checked again
			}
			p.take([][]byte{pageOf(slices.Concat([]string{header}, lines, []string{`{"next":"c"}`})...)})
			before := p.all()
			if _, err := p.import1(pageOf(`{"page":2,"export":"x"}`, late, `{"next":null}`)); !errors.As(err, &refused) || refused.Line != 2 || refused.Reason != complete {
				t.Errorf("%s in a later page: %v", late, err)
			}
			if p.all() != before {
				t.Errorf("%s was written", late)
			}
		}
	}
}

func TestAPieceThatIsMissingIsRefused(t *testing.T) { // S11
	for kind, want := range map[string]string{"document": documentParts, "version": versionParts} {
		lines := stateLines(kind, words("plain words"), 9)
		other := strings.Replace(lines[0], `"part":1`, `"part":9`, 1) // as many, but not the right ones
		for _, page := range [][]byte{onePage(lines[1:]...), onePage(append([]string{other}, lines[1:]...)...)} {
			var refused *LineError
			if _, err := newRoomyPlace(t).import1(page); !errors.As(err, &refused) || refused.Reason != want {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// The check holds the memory of one state at a time, and gives it back.
func TestAnImportHoldsTheMemoryOfTheStatesThatItChecks(t *testing.T) { // S11
	p := newRoomyPlace(t)
	state := words(strings.Repeat("w", 3_000_000))
	lines := slices.Concat(stateLines("document", state, 900_000), stateLines("version", state, 900_000))
	const before = 2 // lines in an earlier page
	p.take([][]byte{pageOf(slices.Concat([]string{header}, lines[:before], []string{`{"next":"c"}`})...)})
	page := pageOf(slices.Concat([]string{`{"page":2,"export":"x"}`}, lines[before:], []string{`{"next":null}`})...)
	var held []int
	full := errors.New("full")
	b := store.Budget{Hold: func(_ context.Context, bytes int) error {
		if held = append(held, bytes); len(held) == 1 {
			return full
		}
		return nil
	}}
	stored := p.all()
	if _, err := p.transfer.Import(context.Background(), p.now, page, b); !errors.Is(err, store.ErrMemory) || !errors.Is(err, full) {
		t.Errorf("without memory: %v", err)
	}
	if p.all() != stored {
		t.Error("a page was written without memory for its check")
	}
	held = []int{0}
	if _, err := p.transfer.Import(context.Background(), p.now, page, b); err != nil {
		t.Fatal(err)
	}
	held = held[1:]
	least, most := checkTimes*len(state), checkTimes*(len(state)+100)
	if len(held) != 3 || min(held[0], held[1]) < least || max(held[0], held[1]) > most || held[2] != 0 {
		t.Errorf("held %v, want twice %d to %d and then nothing", held, least, most)
	}
}
