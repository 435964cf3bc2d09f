package yjs_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// columns of an update in V2, in hexadecimal.
type columns struct {
	keyClock, client, left, right, info, strings, parentInfo, typeRef, length, rest string
}

func (c columns) update(t testing.TB) []byte {
	if c.strings == "" {
		c.strings = joined("")
	}
	b := []byte{0}
	for _, column := range []string{c.keyClock, c.client, c.left, c.right, c.info, c.strings, c.parentInfo, c.typeRef, c.length} {
		b = lib0.AppendBytes(b, unhex(t, column))
	}
	return append(b, unhex(t, c.rest)...)
}

// joined is a column of strings without their lengths.
func joined(s string) string { return hex.EncodeToString(lib0.AppendString(nil, s)) }

func TestV2Columns(t *testing.T) {
	for _, c := range []struct {
		name string
		in   columns
		want string
	}{
		{"nothing", columns{rest: "00 00"}, "00 00"},
		{"a run of GCs", columns{client: "07", info: "00", length: "42 01", rest: "01 03 00 00"}, "01 03 07 00 0002 0002 0002 00"},
		{"a run and one more", columns{client: "07", info: "00", length: "42 00 03", rest: "01 03 00 00"}, "01 03 07 00 0002 0002 0003 00"},
		{"a Skip's length is no column", columns{client: "07", info: "00 00 0a", length: "02", rest: "01 02 00 03 00"}, "01 02 07 00 0002 0a03 00"},
		{"two clients", columns{client: "09 07", info: "00", length: "41 00", rest: "02 01 00 01 05 00"}, "02 01 09 00 0001 01 07 05 0001 00"},
		{"strings by length, origins by distance",
			columns{client: "47 01", left: "02 02", info: "04 00 84", strings: joined("tab€d") + "01 02 41 00", parentInfo: "01", rest: "01 03 00 00"},
			"01 03 07 00 0401 0174 02 6162 84 0701 03 e282ac 84 0702 01 64 00"},
		{"a pair cut by lengths is two halves",
			columns{client: "47 00", left: "00", info: "04 00 84", strings: joined("t😀") + "41 01", parentInfo: "01", rest: "01 02 00 00"},
			"01 02 07 00 0401 0174 03 efbfbd 84 0700 03 efbfbd 00"},
		{"deletes by distance", columns{rest: "00 01 07 02 05 02 01 00"}, "00 01 07 02 05 03 09 01"},
		{"a name that is repeated", columns{keyClock: "01 00", client: "47 00", left: "00", info: "06 00 86", strings: joined("tbold") + "01 04", parentInfo: "01", rest: "01 02 00 78 7e 00"},
			"01 02 07 00 0601 0174 04 626f6c64 04 74727565 86 0700 04 626f6c64 04 6e756c6c 00"},
	} {
		got, err := yjs.ConvertV2ToV1(c.in.update(t))
		differs(t, c.name, got, unhex(t, c.want), err)
	}
}

func TestV2Refuses(t *testing.T) {
	gc := columns{client: "07", info: "00", length: "42 01", rest: "01 03 00 00"}
	for name, change := range map[string]func(*columns){
		"no lengths":                    func(c *columns) { c.length = "" },
		"a run without its count":       func(c *columns) { c.length = "42" },
		"fewer lengths than structs":    func(c *columns) { c.length = "42 00" },
		"no clients":                    func(c *columns) { c.client = "" },
		"no infos":                      func(c *columns) { c.info = "" },
		"a length of 0":                 func(c *columns) { c.length = "40 01" },
		"bytes after the update":        func(c *columns) { c.rest += "00" },
		"no delete set":                 func(c *columns) { c.rest = "01 03 00" },
		"a string longer than all":      func(c *columns) { c.info, c.parentInfo, c.strings = "04", "01", joined("ta")+"01 02" },
		"strings that are not UTF-8":    func(c *columns) { c.strings = "01 ff" },
		"an origin below 0":             func(c *columns) { c.client, c.info, c.left = "47 00", "84", "41" },
		"an origin beyond its own":      func(c *columns) { c.client, c.info, c.left = "47 00", "84", "02" },
		"a delete range that ends late": func(c *columns) { c.rest = "01 03 00 01 07 01 01 feffffff07" },
	} {
		c := gc
		change(&c)
		var at *lib0.Error
		if got, err := yjs.ConvertV2ToV1(c.update(t)); !errors.As(err, &at) {
			t.Errorf("%s: got %x, %v, want an error with an offset", name, got, err)
		}
	}
	update := gc.update(t)
	for n := range update {
		if got, err := yjs.ConvertV2ToV1(update[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: got %x, want an error", n, len(update), got)
		}
	}
}

func TestV2UnfoldsToABoundedSize(t *testing.T) {
	run := func(n uint64) string { return hex.EncodeToString(lib0.AppendUint(nil, n-2)) }
	count := func(n uint64) string { return "01" + hex.EncodeToString(lib0.AppendUint(nil, n)) + "0000" }
	const most = 100_000
	if got, err := yjs.ConvertV2ToV1(columns{client: "07", info: "00", length: "41" + run(most), rest: count(most)}.update(t)); err != nil {
		t.Errorf("%d GCs: %v", most, err)
	} else if len(got) < 2*most {
		t.Errorf("%d GCs: got %d bytes", most, len(got))
	}
	for name, c := range map[string]columns{
		"200,000 GCs": {client: "07", info: "00", length: "41" + run(2*most), rest: count(2 * most)},
		"10^12 GCs":   {client: "07", info: "00", length: "41" + run(1e12), rest: count(1e12)},
		"10,000 elements of one name of 10,000 bytes": {
			keyClock: "01" + run(10_000), client: "07", info: "07", strings: joined("t"+strings.Repeat("n", 10_000)) + "01 904e" + "41" + run(10_000),
			parentInfo: "01", typeRef: "43" + run(10_000), rest: count(10_000),
		},
	} {
		before := allocated()
		if got, err := yjs.ConvertV2ToV1(c.update(t)); err == nil {
			t.Errorf("%s: got %d bytes, want an error", name, len(got))
		}
		if n := allocated() - before; n > 32<<20 {
			t.Errorf("%s: allocated %d bytes", name, n)
		}
	}
}

// The values of embeds after JSON.parse and lib0, checked with yjs.
func TestEmbedsBecomeAny(t *testing.T) {
	for _, c := range []struct{ text, any, back string }{
		{`null`, "7e", ""},
		{` [ true , false ] `, "75027879", `[true,false]`},
		{`0`, "7d00", ""},
		{`-0`, "7d40", `0`},
		{`2147483647`, "7dbfffffff0f", ""},
		{`2147483648`, "7c4f000000", ""},
		{`-2147483648`, "7ccf000000", ""},
		{`0.5`, "7c3f000000", ""},
		{`0.1`, "7b3fb999999999999a", ""},
		{`1e3`, "7da80f", `1000`},
		{`1e21`, "7b444b1ae4d6e2ef50", `1e+21`},
		{`1e-7`, "7b3e7ad7f29abcaf48", ""},
		{`1e+100`, "7b54b249ad2594c37d", ""},
		{`1e-300`, "7b01a56e1fc2f8f359", ""},
		{`1e400`, "7c7f800000", `null`},
		{`123456789012345678901234567890`, "7b45f8ee90ff6c373e", `1.2345678901234568e+29`},
		{`"\u0041\ud83d\ude00\n\/"`, "77 07 41f09f98800a2f", `"A😀\n/"`},
		{`"\ud83dx\ude00"`, "77 07 efbfbd78efbfbd", "\"\uFFFDx\uFFFD\""},
		{`"\ud83d\ud83d\ude00"`, "77 07 efbfbdf09f9880", "\"\uFFFD😀\""},
		{`{"b":1,"a":{"c":[]}}`, "76 02 0162 7d01 0161 76 01 0163 7500", ""},
		{`{}`, "7600", ""},
		{`[` + strings.Repeat("0,", 199) + `0]`, "75 c801" + strings.Repeat("7d00", 200), ""},
	} {
		v2, err := yjs.ConvertV1ToV2(unhex(t, item(5, hex.EncodeToString(lib0.AppendString(nil, c.text)))))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if any := unhex(t, c.any); !bytes.HasSuffix(v2, append(unhex(t, "01 01 00"), append(any, 0)...)) {
			t.Errorf("%s: got %x, want the value %x", c.text, v2, any)
		}
		back := c.back
		if back == "" {
			back = c.text
		}
		v1, err := yjs.ConvertV2ToV1(v2)
		differs(t, c.text+", back", v1, unhex(t, item(5, hex.EncodeToString(lib0.AppendString(nil, back)))), err)
	}
}
