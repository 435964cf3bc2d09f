//go:build !js

package edge

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"tidemark/shared/abi"
)

func TestAClassHoldsItsSizes(t *testing.T) {
	if got := slotOf(classCount - 1); got != largestSlot {
		t.Fatalf("the largest class has %d bytes, want %d", got, largestSlot)
	}
	for n := 1; n <= largestSlot; n++ {
		class := classOf(n)
		if class >= classCount || slotOf(class) < n || class > 0 && slotOf(class-1) >= n {
			t.Fatalf("%d bytes: class %d of %d bytes", n, class, slotOf(class))
		}
		if slotOf(class)%8 != 0 {
			t.Fatalf("a slot of %d bytes is not aligned", slotOf(class))
		}
	}
	if got := slotOf(classOf(4096 + 300)); got > 4700 {
		t.Errorf("a page of 4 KB takes %d bytes", got)
	}
}

// bytesAt returns the block's memory.
func bytesAt(p uintptr, n int) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n)
}

func TestBlocksKeepTheirContent(t *testing.T) {
	a := &allocator{}
	dice := rand.New(rand.NewPCG(1, 2))
	type block struct {
		p    uintptr
		n    int
		mark byte
	}
	var blocks []block
	fill := func(b block) { copy(bytesAt(b.p, b.n), slices.Repeat([]byte{b.mark}, b.n)) }
	check := func(b block, n int) {
		t.Helper()
		for i, got := range bytesAt(b.p, n) {
			if got != b.mark {
				t.Fatalf("byte %d of %d is %d, want %d", i, b.n, got, b.mark)
			}
		}
	}
	size := func() int {
		if dice.IntN(20) == 0 {
			return 1 + dice.IntN(3*largestSlot)
		}
		return 1 + dice.IntN(6000)
	}
	for i := range 20_000 {
		switch {
		case len(blocks) < 200 || dice.IntN(3) == 0 && len(blocks) < 400:
			b := block{n: size(), mark: byte(i)}
			b.p = a.malloc(b.n)
			if b.p%8 != 0 || a.size(b.p) < b.n || a.size(b.p) != roundUp(b.n) && !isLarge(b.p) {
				t.Fatalf("a block of %d bytes at %x has %d", b.n, b.p, a.size(b.p))
			}
			fill(b)
			blocks = append(blocks, b)
		case dice.IntN(2) == 0:
			b := &blocks[dice.IntN(len(blocks))]
			n := size()
			b.p = a.realloc(b.p, n)
			check(*b, min(n, b.n))
			b.n = n
			fill(*b)
		default:
			i := dice.IntN(len(blocks))
			check(blocks[i], blocks[i].n)
			a.free(blocks[i].p)
			blocks = slices.Delete(blocks, i, i+1)
		}
	}
	for _, b := range blocks {
		check(b, b.n)
		a.free(b.p)
	}
	for class, c := range a.classes {
		if len(c.partial) > 1 || c.empty != len(c.partial) {
			t.Errorf("class %d keeps %d spans, %d of them empty", class, len(c.partial), c.empty)
		}
	}
}

// A statement that takes and frees the same blocks again and again must not map and unmap
// memory each time.
func TestAClassKeepsOneEmptySpan(t *testing.T) {
	a := &allocator{}
	p := a.malloc(4400)
	a.free(p)
	for range 10 {
		if q := a.malloc(4400); q != p {
			t.Fatalf("another block: %x, want %x", q, p)
		}
		a.free(p)
	}
}

func TestSQLiteTakesItsMemoryFromTheAllocator(t *testing.T) {
	pages := func() (used int) {
		sqlMemory.mu.Lock()
		defer sqlMemory.mu.Unlock()
		for _, s := range sqlMemory.spans {
			if s != nil && s.class == classOf(4096+300) {
				used += s.used()
			}
		}
		return used
	}
	before := pages()
	db, err := openSQLite(filepath.Join(t.TempDir(), "db.sqlite"), false, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	if err := db.script("CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(100000))"); err != nil {
		t.Fatal(err)
	}
	// Not all at once, and no page twice.
	if got := pages() - before; got < 25 || got > 35 {
		t.Errorf("%d pages are in memory, want some more than 25", got)
	}
}

// docs/operate.md says how much memory an open file of an object takes.
func TestAnOpenFileTakesLittleMemory(t *testing.T) {
	inUse := func() (bytes int) {
		sqlMemory.mu.Lock()
		defer sqlMemory.mu.Unlock()
		for _, s := range sqlMemory.spans {
			if s != nil {
				bytes += s.used() * slotOf(s.class)
			}
		}
		return bytes
	}
	for _, c := range []struct {
		what        string
		durable     []string
		least, most int // KB
	}{{"a room", nil, 50, 200}, {"a space", []string{"C"}, 200, 500}} {
		o := storageObject(t, t.TempDir())
		o.s.w.durable = c.durable
		before := inUse()
		mustExec(t, o, "CREATE TABLE t (v)")
		for range 400 {
			mustExec(t, o, "INSERT INTO t VALUES (zeroblob(3000))")
			mustCommit(t, o)
		}
		if got := (inUse() - before) >> 10; got < c.least || got > c.most {
			t.Errorf("an open file of %s takes %d KB", c.what, got)
		}
	}
}

func TestASchemaStatementIsNotKept(t *testing.T) {
	db, err := openSQLite("", false, 8)
	if err != nil {
		t.Fatal(err)
	}
	defer db.close()
	for _, sql := range []string{
		"CREATE TABLE t (v)", "-- a comment\nalter table t ADD COLUMN w", "INSERT INTO t VALUES (1, 2)", "DROP TABLE t", "CREATE TABLE t (v)",
	} {
		if _, err := db.transaction(db.begin, []abi.Statement{{SQL: sql}}); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if db.cache.used.Len() != 1 || db.cache.get("INSERT INTO t VALUES (1, 2)") == nil {
		t.Errorf("%d statements are kept, want the INSERT", db.cache.used.Len())
	}
}
