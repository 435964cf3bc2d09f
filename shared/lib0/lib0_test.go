package lib0_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"tidemark/shared/lib0"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUintEdges(t *testing.T) {
	for _, c := range []struct {
		wire string
		want uint64
		err  string
	}{
		{"00", 0, ""},
		{"7f", 127, ""},
		{"8001", 128, ""},
		{"8080808008", 1 << 31, ""},
		{"8080808010", 1 << 32, ""},
		{"ffffffffffffff0f", lib0.MaxSafeInteger, ""},
		{"ffffffffffffff10", 0, "byte 7: integer above 2^53-1"},
		{"8000", 0, ""},
		{"80808080808080808000", 0, ""},
		{"8080808080808080808000", 0, "byte 10: integer above 2^53-1"},
		{"808080808080808001", 0, "byte 8: integer above 2^53-1"},
		{"", 0, "byte 0: unexpected end"},
		{"80", 0, "byte 1: unexpected end"},
		{"ffffffffffffff", 0, "byte 7: unexpected end"},
	} {
		r := lib0.NewReader(unhex(t, c.wire))
		got, err := r.Uint()
		check(t, "Uint "+c.wire, got, c.want, err, c.err)
	}
}

func TestIntEdges(t *testing.T) {
	for _, c := range []struct {
		wire     string
		want     int64
		negative bool
		err      string
	}{
		{"00", 0, false, ""},
		{"40", 0, true, ""},
		{"3f", 63, false, ""},
		{"8001", 64, false, ""},
		{"41", -1, true, ""},
		{"c001", -64, true, ""},
		{"bfffffff0f", 1<<31 - 1, false, ""},
		{"c080808010", -1 << 31, true, ""},
		{"bfffffffffffff1f", lib0.MaxSafeInteger, false, ""},
		{"ffffffffffffff1f", -lib0.MaxSafeInteger, true, ""},
		{"bfffffffffffff20", 0, false, "byte 7: integer above 2^53-1"},
		{"", 0, false, "byte 0: unexpected end"},
		{"c0", 0, false, "byte 1: unexpected end"},
	} {
		r := lib0.NewReader(unhex(t, c.wire))
		got, negative, err := r.Int()
		check(t, "Int "+c.wire, got, c.want, err, c.err)
		if err == nil && negative != c.negative {
			t.Errorf("Int %s: sign bit %v, want %v", c.wire, negative, c.negative)
		}
	}
}

func TestStringEdges(t *testing.T) {
	for _, c := range []struct{ wire, want, err string }{
		{"00", "", ""},
		{"0161", "a", ""},
		{"06efbbbf626f6d", "\ufeffbom", ""},
		{"04f09f9880", "😀", ""},
		{"02c080", "", "byte 1: string is not UTF-8"},
		{"03eda080", "", "byte 1: string is not UTF-8"},
		{"01ff", "", "byte 1: string is not UTF-8"},
		{"0261", "", "byte 1: length exceeds the bytes left"},
		{"ffffffff0f", "", "byte 5: length exceeds the bytes left"},
	} {
		r := lib0.NewReader(unhex(t, c.wire))
		got, err := r.String()
		check(t, "String "+c.wire, string(got), c.want, err, c.err)
	}
}

func check[T comparable](t *testing.T, what string, got, want T, err error, wantErr string) {
	t.Helper()
	var e *lib0.Error
	switch {
	case wantErr == "" && (err != nil || got != want):
		t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
	case wantErr != "" && (!errors.As(err, &e) || err.Error() != wantErr):
		t.Errorf("%s: got %v, %v; want error %q", what, got, err, wantErr)
	}
}

func TestFloats(t *testing.T) {
	b := lib0.AppendFloat32(nil, 0.5)
	b = lib0.AppendFloat64(b, math.Pi)
	b = lib0.AppendBigInt64(b, -1)
	if want := unhex(t, "3f000000 400921fb54442d18 ffffffffffffffff"); !bytes.Equal(b, want) {
		t.Fatalf("got %x, want %x", b, want)
	}
	r := lib0.NewReader(b)
	f32, err1 := r.Float32()
	f64, err2 := r.Float64()
	big, err3 := r.BigInt64()
	if f32 != 0.5 || f64 != math.Pi || big != -1 || err1 != nil || err2 != nil || err3 != nil || r.Len() != 0 {
		t.Fatal(f32, f64, big, err1, err2, err3)
	}
	for _, n := range []int{3, 7} {
		r := lib0.NewReader(b[:n])
		if _, err := r.Float64(); err == nil {
			t.Errorf("Float64 of %d bytes succeeded", n)
		}
	}
}

func TestSkipAny(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("7501", n) + "7e" }
	for _, c := range []struct{ name, wire, err string }{
		{"scalar", "7f", ""},
		{"minus zero", "7d40", ""},
		{"nested", "7603 0161 7502 7e76 00 0162 7700 0163 7401ff", ""},
		{"256 levels", deep(256), ""},
		{"257 levels", deep(257), "byte 514: value nested too deeply"},
		{"empty", "", "byte 0: unexpected end"},
		{"tag 115", "73", "byte 0: unknown tag of an Any value"},
		{"tag 128", "80", "byte 0: unknown tag of an Any value"},
		{"array of too many", "75ffffffff0f", "byte 6: count exceeds the bytes left"},
		{"object of too many", "7602007e00", "byte 2: count exceeds the bytes left"},
		{"member cut short", "7601 0161", "byte 4: unexpected end"},
		{"key not UTF-8", "7601 01ff 7e", "byte 3: string is not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := lib0.NewReader(unhex(t, c.wire))
			err := r.SkipAny()
			check(t, c.wire, r.Len(), 0, err, c.err)
		})
	}
}

func TestSkipJSON(t *testing.T) {
	good := []string{`0`, `-0.5e+10`, ` [ ] `, `{}`, `{"a":[1,2,{"b":null}],"c":"\u00e9\n"}`, `"x"`, "true", `[[],[]]`,
		strings.Repeat("[", 256) + strings.Repeat("]", 256)}
	bad := []string{``, ` `, `01`, `-`, `1.`, `.5`, `1e`, `[1,]`, `{"a":1,}`, `{a:1}`, `{"a"}`, `"`, `"\x"`, `"\u00g0"`, "\"\\u\x10000\"", "\"\n\"", `nul`,
		`1 2`, `undefined`, `]`, `[}`, strings.Repeat("[", 257) + strings.Repeat("]", 257)}
	for _, s := range good {
		if err := lib0.SkipJSON([]byte(s)); err != nil || !json.Valid([]byte(s)) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range bad {
		if err := lib0.SkipJSON([]byte(s)); err == nil {
			t.Errorf("%q accepted", s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.SampledFrom([]rune(`[]{}",:0123e-.\unrtalse `)), 0, 12, -1).Draw(t, "text")
		if got, want := lib0.SkipJSON([]byte(s)) == nil, json.Valid([]byte(s)); got != want {
			t.Fatalf("%q: accepted %v, encoding/json says %v", s, got, want)
		}
	})
}

func TestAppendAnyJSON(t *testing.T) {
	for wire, want := range map[string]string{
		"7f":                   "null",
		"7d40":                 "0",
		"7c3f000000":           "0.5",
		"7bfff8000000000000":   "null",
		"7b444b1ae4d6e2ef50":   "1e+21",
		"7b3e7ad7f29abcaf48":   "1e-7",
		"7b54b249ad2594c37d":   "1e+100",
		"7a7fffffffffffffff":   "9223372036854775807",
		"75037f7e78":           "[null,null,true]",
		"7602 0161 7f 0162 79": `{"b":false}`,
		"770322015c":           `"\"\u0001\\"`,
		"7402ff00":             `{"0":255,"1":0}`,
		"75027502 7d01 7500 7601 0161 7601 0162 7e": `[[1,[]],{"a":{"b":null}}]`,
	} {
		if got := string(lib0.AppendAnyJSON(nil, unhex(t, wire))); got != want {
			t.Errorf("%s: got %s, want %s", wire, got, want)
		}
	}
}

func TestIntegersRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := rapid.Uint64Range(0, lib0.MaxSafeInteger).Draw(t, "u")
		v := rapid.Int64Range(-lib0.MaxSafeInteger, lib0.MaxSafeInteger).Draw(t, "v")
		r := lib0.NewReader(lib0.AppendInt(lib0.AppendUint(nil, u), v))
		gotU, err1 := r.Uint()
		gotV, _, err2 := r.Int()
		if gotU != u || gotV != v || err1 != nil || err2 != nil || r.Len() != 0 {
			t.Fatalf("got %d %d %v %v, want %d %d", gotU, gotV, err1, err2, u, v)
		}
	})
}

// The vectors were printed by lib0 0.2.120.
func TestVectors(t *testing.T) {
	file, err := os.ReadFile("../../../shared/data/vectors.json")
	if err != nil {
		t.Skip("no test data: ", err)
	}
	var vectors struct {
		Lib0 struct {
			VarUint, VarInt map[string]string
			Any             [][2]string
			Strings         [][3]any
		}
	}
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	for text, wire := range vectors.Lib0.VarUint {
		want, _ := strconv.ParseUint(text, 10, 64)
		r := lib0.NewReader(unhex(t, wire))
		if got, err := r.Uint(); err != nil || got != want {
			t.Errorf("varUint %s: got %d, %v; want %d", wire, got, err, want)
		}
		if got := hex.EncodeToString(lib0.AppendUint(nil, want)); got != wire {
			t.Errorf("varUint %d: got %s, want %s", want, got, wire)
		}
	}
	for text, wire := range vectors.Lib0.VarInt {
		want, _ := strconv.ParseInt(text, 10, 64)
		magnitude := want
		if want < 0 {
			magnitude = -want
		}
		r := lib0.NewReader(unhex(t, wire))
		if got, negative, err := r.Int(); err != nil || got != want || negative != (text[0] == '-') {
			t.Errorf("varInt %s: got %d %v, %v; want %s", wire, got, negative, err, text)
		}
		if got := hex.EncodeToString(lib0.AppendSigned(nil, uint64(magnitude), text[0] == '-')); got != wire {
			t.Errorf("varInt %s: got %s, want %s", text, got, wire)
		}
	}
	for _, v := range vectors.Lib0.Any {
		r := lib0.NewReader(unhex(t, v[1]))
		if err := r.SkipAny(); err != nil || r.Len() != 0 {
			t.Errorf("any %s %s: %v, %d bytes left", v[0], v[1], err, r.Len())
		}
	}
	for _, v := range vectors.Lib0.Strings {
		r := lib0.NewReader(unhex(t, v[2].(string)))
		s, err := r.String()
		if err != nil || float64(lib0.UTF16Len(s)) != v[1].(float64) {
			t.Errorf("string %v: %d units, %v; want %v", v[2], lib0.UTF16Len(s), err, v[1])
		}
	}
}

func FuzzSkipAny(f *testing.F) {
	f.Add([]byte{118, 1, 1, 'a', 117, 1, 126})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := lib0.NewReader(b)
		if r.SkipAny() != nil {
			return
		}
		if text := lib0.AppendAnyJSON(nil, r.Since(0)); lib0.SkipJSON(text) != nil && len(text) > 0 {
			t.Fatalf("%x became %q", r.Since(0), text)
		}
	})
}
