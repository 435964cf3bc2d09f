// Package spaces keeps a space in the SQLite of its object, behind store.DB: the tables are
// those of the root. It also keeps the directory of all spaces, in D1.
package spaces
