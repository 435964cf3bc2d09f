package abi

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStatementsComeBackAsTheyWere(t *testing.T) {
	in := []Statement{
		{SQL: "SELECT ?1, ?2", Args: []any{nil, 3, int64(4), 0.5, "é", Text("t"), []byte{0, 255}}},
		{SQL: ""},
	}
	want := []Statement{
		{SQL: "SELECT ?1, ?2", Args: []any{nil, 3.0, 4.0, 0.5, Text("é"), Text("t"), []byte{0, 255}}},
		{SQL: "", Args: []any{}},
	}
	b, err := AppendStatements(nil, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeStatements(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for i := range b {
		if _, err := DecodeStatements(b[:i], nil); err == nil {
			t.Errorf("cut at %d of %d: no error", i, len(b))
		}
	}
}

// A long argument that stays in memory decodes to the same bytes, and its frame is short.
func TestLongArgumentsMayStayWhereTheyAre(t *testing.T) {
	long := strings.Repeat("x", FarBytes)
	in := []Statement{{SQL: "s", Args: []any{Text(long), []byte(long), Text(long[1:]), 1.0}}}
	var memory [][]byte
	b, err := AppendStatements(nil, in, func(v []byte) uint32 {
		memory = append(memory, v)
		return uint32(len(memory) - 1)
	})
	if err != nil || len(memory) != 2 || len(b) > FarBytes+100 {
		t.Fatalf("%v, %d far, a frame of %d bytes", err, len(memory), len(b))
	}
	near := func(address, n uint32) []byte { return memory[address][:n] }
	got, err := DecodeStatements(b, near)
	if d := cmp.Diff(in, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := DecodeStatements(b, nil); err != ErrFrame {
		t.Errorf("without a memory: %v", err)
	}
	for i := range b {
		if _, err := DecodeStatements(b[:i], near); err == nil {
			t.Errorf("cut at %d of %d: no error", i, len(b))
		}
	}
}

// Pieces stay in memory. JoinPieces returns them as one copy.
func TestPiecesAreJoined(t *testing.T) {
	memory := [][]byte{[]byte("one "), nil, []byte("piece")}
	at := uint32(0)
	b := AppendPieces([]byte("frame"), memory, func([]byte) uint32 {
		at++
		return at - 1
	})[len("frame"):]
	near := func(address, n uint32) []byte { return memory[address][:n] }
	got, err := JoinPieces(b, near)
	if string(got) != "one piece" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got[0] = 'x'; string(memory[0]) != "one " {
		t.Error("it is no copy")
	}
	if none, err := JoinPieces(nil, nil); len(none) > 0 || err != nil {
		t.Errorf("of no pieces: %q, %v", none, err)
	}
	if _, err := JoinPieces(b, nil); err != ErrFrame {
		t.Errorf("without a memory: %v", err)
	}
	for i := range b {
		if _, err := JoinPieces(b[:i], near); err == nil && i%8 != 0 {
			t.Errorf("cut at %d of %d: no error", i, len(b))
		}
	}
}

func TestResultsComeBackAsTheyWere(t *testing.T) {
	in := []Result{
		{Changes: 2, Columns: []string{"a", "b"}, Rows: [][]any{{nil, 1.5}, {Text("x"), []byte("y")}}},
		{Changes: 7, Rows: [][]any{}},
	}
	b, err := AppendResults(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResults(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, got); d != "" {
		t.Error(d)
	}
	for i := range b {
		if _, err := DecodeResults(b[:i]); err == nil {
			t.Errorf("cut at %d of %d: no error", i, len(b))
		}
	}
}

// Results read in pieces are the same as those read in one, also where they are cut short.
func TestResultsAreReadInPieces(t *testing.T) {
	long := strings.Repeat("long ", 50_000)
	in := []Result{{Changes: 2, Columns: []string{"a", "b"}, Rows: [][]any{
		{nil, 1.5}, {Text(long), []byte(long)}, {Text("x"), Text(long[:70_000])}, {2.5, Text("")},
	}}, {Rows: [][]any{}}}
	frame, err := AppendResults(nil, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 1, 2, 100, 300_000, len(frame)} {
		largest, at := 0, 0
		got, err := ReadResults(len(frame)-cut, func(b []byte) {
			largest = max(largest, len(b))
			at += copy(b, frame[at:len(frame)-cut])
		})
		if cut > 0 {
			if err != ErrFrame {
				t.Errorf("cut by %d: %v", cut, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(in, got) {
			t.Errorf("%v, or not the same", err)
		}
		if largest > len(long) {
			t.Errorf("%d bytes were read at once, and the longest value has %d", largest, len(long))
		}
	}
}

func TestAnArgumentOfAnotherTypeIsRefused(t *testing.T) {
	if _, err := AppendStatements(nil, []Statement{{SQL: "x", Args: []any{struct{}{}}}}, nil); err == nil {
		t.Error("no error")
	}
}

func TestHeadsComeBackAsTheyWere(t *testing.T) {
	req := Request{Method: "GET", URL: "https://h/p?q=1 2", Header: [][2]string{{"a", "b: c"}, {"empty", ""}}}
	gotReq, err := DecodeRequest(string(AppendRequest(nil, req)))
	if d := cmp.Diff(req, gotReq); d != "" || err != nil {
		t.Error(d, err)
	}
	res := Response{Status: 204, Route: "/yjs/{room}", Header: [][2]string{{"a", "b"}}}
	gotRes, err := DecodeResponse(AppendResponse(nil, res))
	if d := cmp.Diff(res, gotRes); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, bad := range []string{"", "GET", "99", "abc", "200\nnocolon"} {
		if _, err := DecodeResponse([]byte(bad)); err == nil {
			t.Errorf("response %q: no error", bad)
		}
	}
}

func TestForwardAndConnsComeBackAsTheyWere(t *testing.T) {
	f := Forward{Binding: "B", Name: "n/ü", Protocol: "p", Owner: "o", Route: "/yjs/{room}", Attachment: []byte{1, 0, 2}}
	request := f
	request.Request = true
	for _, f := range []Forward{f, request} {
		got, err := DecodeForward(AppendForward(nil, f))
		if d := cmp.Diff(f, got); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	if _, err := DecodeForward([]byte{2}); err == nil {
		t.Error("a forward of an unknown kind: no error")
	}
	if _, refused := f.Refusal(); refused {
		t.Error("a forward with a binding is a refusal")
	}
	refusal := Refusal{Code: 4401, Reason: "no token", Protocol: "p", Message: []byte{2, 0}}
	sent, err := DecodeForward(AppendForward(nil, refusal.Forward()))
	gotRefusal, refused := sent.Refusal()
	if d := cmp.Diff(refusal, gotRefusal); d != "" || err != nil || !refused {
		t.Error(d, err, refused)
	}
	conns := []Conn{{ID: 1, Attachment: []byte("a")}, {ID: 70000, Attachment: []byte{}}}
	gotConns, err := DecodeConns(AppendConns(nil, conns))
	if d := cmp.Diff(conns, gotConns); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestFetchesComeBackAsTheyWere(t *testing.T) {
	f := Fetch{
		Request: Request{Method: "POST", URL: "https://h/p?q=1", Header: [][2]string{{"a", "b: c"}}},
		Body:    []byte{0, 1, '\n'}, Timeout: 1500 * time.Millisecond, MaxBytes: 1 << 20,
	}
	frame := AppendFetch(nil, f)
	got, err := DecodeFetch(frame)
	if d := cmp.Diff(f, got); d != "" || err != nil {
		t.Error(d, err)
	}
	answer := Fetched{Response: Response{Status: 302, Header: [][2]string{{"location", "/x"}}}, Body: []byte("gone")}
	gotAnswer, err := DecodeFetched(AppendFetched(nil, answer))
	if d := cmp.Diff(answer, gotAnswer); d != "" || err != nil || gotAnswer.Get("Location") != "/x" || gotAnswer.Get("y") != "" {
		t.Error(d, err)
	}
	for i := range len(frame) - len(f.Body) {
		if _, err := DecodeFetch(frame[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
}

func FuzzDecode(f *testing.F) {
	stmts, _ := AppendStatements(nil, []Statement{{SQL: "SELECT 1", Args: []any{1, "a", nil, Text(make([]byte, FarBytes))}}}, func([]byte) uint32 { return 7 })
	f.Add(stmts)
	results, _ := AppendResults(nil, []Result{{Columns: []string{"a"}, Rows: [][]any{{1.0}}}})
	f.Add(results)
	f.Fuzz(func(t *testing.T, b []byte) {
		DecodeStatements(b, func(_, n uint32) []byte { return nil })
		DecodeResults(b)
		DecodeRequest(string(b))
		DecodeResponse(b)
		DecodeForward(b)
		DecodeConns(b)
		DecodeFetch(b)
		DecodeFetched(b)
		DecodeSignature(b)
		ReadResults(len(b), func(next []byte) { b = b[copy(next, b):] })
	})
}
