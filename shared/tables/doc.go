// Package tables reads tables.toml, the declaration of an app's tables, and says whether a
// database may go from one declaration to the next. The guest does not import it: it gets
// the declaration as record.Schema.Encode writes it.
package tables
