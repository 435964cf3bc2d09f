package tables

import "strings"

// keywords are the keywords of SQLite in small letters, and true and false, without some nouns
// that SQLite takes as names everywhere. https://sqlite.org/lang_keywords.html
var keywords = strings.Fields(`
abort add after all alter always analyze and as asc attach autoincrement before begin between by cascade case cast
check collate column commit constraint create cross current current_date current_time current_timestamp
default deferrable deferred delete desc detach distinct do drop each else end escape except exclude exclusive exists explain
false filter following for foreign from full generated glob group groups having if ignore immediate in index
indexed initially inner insert instead intersect into is isnull join left like limit match materialized natural
not nothing notnull null nulls of offset on or order others outer over partition pragma preceding primary
raise range recursive references regexp reindex rename replace returning right rollback row rows
savepoint select set table temp temporary then ties to transaction trigger true unbounded union unique update using
vacuum values virtual when where window with within without`)

// Left out of the keywords: action conflict database fail first key last no plan query release
// restrict view. A test makes tables and columns of these names.
