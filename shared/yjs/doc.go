// Package yjs is a Yjs document core: it decodes, integrates, encodes, compares
// and compacts the updates that Yjs 13 clients exchange, byte for byte as yjs
// 13.6.33 does.
//
// # The bytes of an update (V1)
//
//	update      varUint nBlocks, nBlocks × block, delete set
//	block       varUint nStructs, varUint client, varUint clock, nStructs × struct
//	struct      info byte, body; the clock runs on by the length of each struct
//	info        bits 0-4 content ref, 0x80 origin given, 0x40 right origin given, 0x20 parentSub given
//	GC, Skip    varUint length
//	item        [origin: id] [rightOrigin: id] [parent] content
//	id          varUint client, varUint clock
//	parent      only without both origins: varUint 1, string root name | varUint 0, id of the type's item;
//	            then string parentSub if given
//	delete set  varUint nClients, nClients × (varUint client, varUint nRanges, nRanges × (varUint clock, varUint length))
//	state vector  varUint n, n × (varUint client, varUint clock)
//
//	ref  content   bytes                                      length in clocks
//	0    GC        varUint length                             length
//	1    Deleted   varUint length                             length
//	2    JSON      varUint n, n × string (JSON or undefined)  n
//	3    Binary    varBytes                                   1
//	4    String    string                                     UTF-16 units
//	5    Embed     string (JSON)                              1
//	6    Format    string key, string (JSON)                  1
//	7    Type      varUint type ref; refs 3, 5: string name   1
//	8    Any       varUint n, n × any                         n
//	9    Doc       string guid, any                           1
//	10   Skip      varUint length                             length
//
// Clients are written in descending order everywhere. Type refs: 0 Array, 1 Map,
// 2 Text, 3 XmlElement, 4 XmlFragment, 5 XmlHook, 6 XmlText.
//
// # The document in memory
//
// A [Doc] holds items in one arena of 64-byte records without pointers that
// name each other by index, and their contents, as encoded, in one arena of
// bytes: the collector scans neither, and a keystroke allocates nothing. The
// words are those of yjs' INTERNALS.md: item, struct store, state vector, delete
// set, transaction; the files are named after them.
package yjs

import (
	"errors"

	"tidemark/shared/lib0"
)

// Errors that Apply wraps. Errors in the bytes wrap *lib0.Error.
var (
	// ErrPending: the update, or a part of it, must wait for missing updates, and
	// pending structs already fill Options.PendingBudget. The peer can send its updates
	// again in order.
	ErrPending = errors.New("too much is pending")
	// ErrSteps: the update asks for more work than Options.StepBudget.
	ErrSteps = errors.New("update takes too many steps")
	// ErrMemory: the document would take more memory than Options.MemoryBudget.
	ErrMemory = errors.New("document takes too much memory")
	// ErrNesting: the update nests types more than 1,000 deep, which makes
	// JavaScript peers overflow their stack.
	ErrNesting = errors.New("types nested too deeply")
)

// Defaults of Options, and the deepest nesting of types.
const (
	DefaultPendingBudget = 4 << 20
	DefaultStepBudget    = 20_000_000
	maxNesting           = 1000
)

// Options of a document. The zero value is right for a server.
type Options struct {
	// KeepDeleted keeps the contents of deleted items, as yjs does with
	// gc: false: snapshots can then be restored.
	KeepDeleted bool
	// PendingBudget bounds the bytes that wait for missing updates; 0 means
	// DefaultPendingBudget. Apply rejects an update that does not fit.
	PendingBudget int
	// StepBudget bounds the work that grows faster than the bytes of an update:
	// steps of the conflict scan, elements stepped over to split an item, structs
	// passed in a deleted range, pending bytes and ranges read again. It holds for
	// each Apply, and for all Loads together. 0 means DefaultStepBudget.
	StepBudget int
	// MemoryBudget bounds about how many bytes the records and contents of the
	// document take in memory: see Doc.memory. 0 sets no bound.
	MemoryBudget int
}

// Doc is a Yjs document. It is not safe for concurrent use.
type Doc struct {
	options Options

	items []item
	free  int32 // first free item, linked by right; -1 none
	// The contents of items stand in content, and in kept updates: see span.
	content   []byte
	kept      []keptUpdate
	keptBytes int
	waste     int // bytes of content and kept updates that no item uses

	clients  []client
	clientOf map[uint64]int32
	lastID   uint64 // the client of the last look-up
	last     int32
	byID     []int32 // clients that have structs, the first sorted of them by descending id
	sorted   int

	types    []ytype
	freeType int32 // first free type, linked by start; -1 none
	rootOf   map[string]int32
	keys     []string
	keyOf    map[string]int32
	slots    []slot
	freeSlot int32
	slotOf   map[uint64]int32

	deleteSet []byte // encoded, or nil since something was deleted

	stamp   uint32 // marks items seen by a conflict scan
	steps   int    // of the update in progress; for Loads, of all so far
	loaded  int    // steps of all Loads so far
	bounded bool   // the update in progress is new: its pending structs have a limit

	pending pending
	tx      transaction
	in      incoming
}

// New returns an empty document.
func New(options Options) *Doc {
	if options.PendingBudget == 0 {
		options.PendingBudget = DefaultPendingBudget
	}
	if options.StepBudget == 0 {
		options.StepBudget = DefaultStepBudget
	}
	return &Doc{
		options:  options,
		free:     none,
		freeType: none,
		freeSlot: none,
		last:     none,
		clientOf: map[uint64]int32{},
		rootOf:   map[string]int32{},
		keyOf:    map[string]int32{},
		slotOf:   map[uint64]int32{},
	}
}

// none is the index of no item, client, type or key.
const none = int32(-1)

// Size returns about how many bytes the document holds in memory, for a cache with a
// byte budget.
func (d *Doc) Size() int {
	n := cap(d.items)*itemSize + cap(d.content) + d.keptBytes + cap(d.deleteSet)
	n += cap(d.clients)*clientSize + 32*len(d.clientOf)
	for i := range d.clients {
		c := &d.clients[i]
		n += cap(c.leaves) * sliceSize
		for _, leaf := range c.leaves {
			n += cap(leaf) * entrySize
		}
	}
	n += cap(d.types)*typeSize + cap(d.slots)*slotSize + 32*len(d.slotOf) + 4*cap(d.byID)
	for _, key := range d.keys {
		n += len(key) + 64
	}
	n += d.pending.size + cap(d.pending.deletes)*rangeSize
	n += cap(d.tx.event) + cap(d.in.order)*4 + cap(d.in.blocks)*blockSize + cap(d.in.deletes)*rangeSize
	return n + len(d.rootOf)*64
}

// memory returns about how many bytes the document takes at least when its arenas and
// maps grow once more. It is cheap, because every struct calls it.
func (d *Doc) memory() int {
	return 96*len(d.items) + 176*len(d.clients) + 128*len(d.keys) + 96*len(d.types) + 64*len(d.slots) + len(d.content) + d.keptBytes
}

// checkMemory returns ErrMemory if the document is over Options.MemoryBudget.
func (d *Doc) checkMemory() error {
	if d.options.MemoryBudget > 0 && d.memory() > d.options.MemoryBudget {
		return ErrMemory
	}
	return nil
}

// Sizes of the records in bytes, for Size.
const (
	itemSize   = 64
	clientSize = 72
	entrySize  = 8
	sliceSize  = 24
	typeSize   = 24
	slotSize   = 24
	rangeSize  = 16
	blockSize  = 32
)

var errTooLong = &lib0.Error{Reason: "update longer than 2^31-1 bytes"}
