// Package records keeps the rows of the synchronized tables: every line of their
// SQL, and the rules of synchronization that SQL has to keep. A push and a pull
// are one batch each.
package records
