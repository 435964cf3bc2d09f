package record

import "tidemark/shared/ijson"

// A Since asks for the changes after a stamp.
type Since struct {
	Stamp     Stamp      // of the last change that the client has seen; 0: none
	Version   Version    // of the client's schema, at most the schema's
	Migration *Migration // nil: none
	Caller    Caller     // who reads
	Limit     int        // rows a page; 0: all changes in one page
	After     *Position  // where the page before ended; nil: the first page
}

// A Migration says what the client's schema gained after the client's last pull.
type Migration struct {
	Tables  []bool   // as in the schema: the whole table is new
	Columns [][]bool // as in the schema: the column is new
}

// A Position is where a page ended.
//
// The next page continues after (Stamp, Table, ID), in that order, with what
// changed after Since and not after AsOf. A replacement has every live row, in the
// order of (Table, ID): a row that changes between two pages must be in one of
// them, because the client deletes the rows that it was not sent.
type Position struct {
	Since, AsOf Stamp
	Replacement bool
	Stamp       Stamp
	Table       int64
	ID          string
}

// A Page is a list of changes.
type Page struct {
	Stamp Stamp // to ask for next; the same on every page of a list
	// Replacement says that the client must delete the rows that the pages do not bring.
	Replacement bool
	Tables      []TablePage // that the client's schema version has
	Next        *Position   // nil: this is the last page
}

// A TablePage is the changes of one table.
type TablePage struct {
	Name string
	// Rows are the live rows as JSON objects, Deleted the ids of tombstones as JSON
	// strings: the texts between the brackets of an array. Nil is none.
	Rows, Deleted ijson.Pieces
	// Count is how many rows and ids of tombstones that are.
	Count int
	// Octets is about how long both texts are.
	Octets int
}

// Octets returns about how long a JSON answer with the page is.
func (p *Page) Octets() int {
	const around, aroundTable = 256, 64 // what a dialect puts around the page and around a table
	size := around
	for i := range p.Tables {
		size += aroundTable + len(p.Tables[i].Name) + p.Tables[i].Octets
	}
	if p.Next != nil {
		size += 2 * len(p.Next.ID)
	}
	return size
}

// Sums are the checksums of the live rows of a database.
type Sums struct {
	Stamp  Stamp
	Tables []TableSum
}

// A TableSum sums up the live rows of one table.
type TableSum struct {
	Name  string
	Count int
	Sum   string // SHA-256 in hexadecimal
}
