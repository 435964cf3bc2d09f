package spaces

import (
	"slices"
	"strings"

	"tidemark/shared/abi"
	"tidemark/worker/store"
)

// Layouts returns the migrations of a space's tables, for those who look at a folder of the self-hosted
// server.
func Layouts() store.Layouts { return layouts }

// layouts are the migrations of a space's tables, but for the declared ones, see Tables.
// Migrations of D1 that are released later get a layout of their own, behind these. S3.
//
// Spaces that were made when layout 1 was the newest have all of first. No space is migrated to
// layout 1, so that a new one need not begin with the tables of the seed.
var layouts = store.Layouts{
	slices.DeleteFunc(slices.Clone(first), isSeed),
	store.OfD1("0060_rules", "0061_declaration"),
	store.OfD1("0062_webhooks"),
	{{SQL: `ALTER TABLE Space ADD COLUMN told INTEGER NOT NULL DEFAULT 0`}}, // see State
}

// first is layout 1 as it was released.
var first = slices.Concat(own, store.OfD1("0001_tables", "0002_tickets", "0010_projects", "0020_yjs", "0030_outcome", "0031_floor", "0040_tickets_of_tokens",
	"0042_tombstones", "0050_import", "0051_spaces"), unborn)

// isSeed says whether a statement of the first migrations makes the tables Customers and
// Products, or changes them.
func isSeed(s abi.Statement) bool {
	return slices.ContainsFunc(strings.FieldsFunc(s.SQL, func(r rune) bool { return strings.ContainsRune(" \n(", r) }),
		func(word string) bool { return word == "Customers" || word == "Products" })
}

// notInSpaces are the migrations of D1 with tables of the root alone.
var notInSpaces = []string{"0041_revocations", "0063_webhook_objects", "0064_webhook_gone", "0065_space_bytes"}

// own are the tables that only a space has: what it knows of itself, the rooms of its
// documents, and the number of its layout.
var own = []abi.Statement{
	{SQL: `CREATE TABLE layout (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER)`},
	{SQL: `CREATE TABLE Space (
		one        INTEGER PRIMARY KEY CHECK (one = 1),
		created_at INTEGER NOT NULL DEFAULT 0, -- in milliseconds; 0: it was not born
		listed     INTEGER NOT NULL DEFAULT 0, -- it is in the directory
		deleting   INTEGER NOT NULL DEFAULT 0,
		paused     INTEGER NOT NULL DEFAULT 0,
		kept_until INTEGER NOT NULL DEFAULT 0) -- in milliseconds: until then it is kept although it was not born`},
	{SQL: `INSERT INTO Space (one) VALUES (1)`},
	{SQL: `CREATE TABLE SpaceRooms (Room TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID`},
}

// unborn gives a space that was not born a floor above every stamp: a client that pulled from
// an earlier space of its name gets a replacement, and its push is stale. S7.
var unborn = []abi.Statement{{SQL: `UPDATE Clock SET floor = 9007199254740991, born = 9007199254740991`}}
