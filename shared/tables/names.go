package tables

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/shared/record"
)

const (
	wireNames = "a name is a small letter, then small letters, digits and _, at most 64"
	sqlNames  = "a name is a letter, then letters, digits and _, at most 64"
)

// The names that a table, or a column, must not have on the wire, and why.
var (
	reservedTables = map[string]string{
		"local_storage": inWatermelon, "sqlite_master": inWatermelon, "rowid": inWatermelon, "oid": inWatermelon,
		"constructor": inWatermelon, "prototype": inWatermelon,
	}
	reservedColumns = map[string]string{
		"id": everywhere, record.CreatedAt: everywhere, record.UpdatedAt: everywhere,
		"local_storage": inWatermelon, "sqlite_master": inWatermelon, "rowid": inWatermelon, "oid": inWatermelon,
		"constructor": inWatermelon, "prototype": inWatermelon,
	}
)

const (
	inWatermelon = "WatermelonDB does not take this name"
	everywhere   = "every table has it: leave it out"
)

// ownColumns are the columns that every table has in the database beside its own, in
// small letters. SQLite's names of a row's number are among them.
var ownColumns = []string{record.CreatedAt, record.UpdatedAt, "deleted", "stamp", "ahead", "outcome", "rowid", "oid"}

// ownTables are the tables and indexes of Tidemark and of what is around it, and the names that
// its statements give to results, in small letters. A test compares them with the migrations.
var ownTables = strings.Fields(`
clock yjsrooms yjsroomparts yjsversions yjsversionparts tickets ticketsbyend revocations socketplaces import spaces spacesbybytes
told toldbystamp retold retoldspan ownrows changedkeys readers
projectsequences projects projecttasks projectdependencies projectcalendars projectmemberships projectuploads
projectsbyseq projecttasksbyseq projecttasksbyid projecttasksbyparent projectdependenciesbyseq projectdependenciesbyid
projectdependenciesbypair projectdependenciesbysuccessor projectcalendarsbyseq projectcalendarsbyid projectmembershipsbyseq
projectmembershipsbyid projectmembershipslive projectmembershipsbyuser projectuploadsbytime
layout space spacerooms d1_migrations declaration webhooks webhookobjects webhookobjectsfailing webhookgone webhookstate
batch cut docs incoming judged lined mode near none page part sofar span texts timed w json_each json_tree`)

// wireName says whether the key is a name that a table or a column may have on the wire.
func (p *parsing) wireName(m member, reserved map[string]string) bool {
	why := reserved[m.key]
	if !record.IsWireName(m.key) {
		why = wireNames
	} else if strings.HasPrefix(m.key, "sqlite_stat") {
		why = inWatermelon
	}
	if why != "" {
		p.fail(m.line, "the name %q is invalid: %s", m.key, why)
	}
	return why == ""
}

// sqlName says whether a name can stand in SQL without quotes.
func (p *parsing) sqlName(line int, key, name string) bool {
	lower := strings.ToLower(name)
	switch {
	case !record.IsSQLName(name):
		p.fail(line, "%s %q is invalid: %s", key, name, sqlNames)
	case slices.Contains(keywords, lower):
		p.fail(line, "%q is a keyword of SQL: write %s = %q, or another name for the database", name, key, name+"_")
	default:
		return true
	}
	return false
}

// tableName checks the name of a table in the database, and the names of its indexes.
func (p *parsing) tableName(line int, name string) {
	if !p.sqlName(line, "sql", name) {
		return
	}
	lower := strings.ToLower(name)
	switch {
	case strings.HasPrefix(lower, "sqlite_") || strings.HasPrefix(lower, "_cf_"):
		p.fail(line, "sql %q is reserved for SQLite and Cloudflare: write sql = \"…\", another name for the database", name)
	case slices.Contains(ownTables, lower):
		p.fail(line, "sql %q is a name of Tidemark's own: write sql = \"…\", another name for the database", name)
	case p.sql[lower] != "":
		p.fail(line, "sql %q is the name of %s already, and SQL does not tell small letters from capitals", name, p.sql[lower])
	default:
		p.sql[lower] = "the table " + p.table
	}
}

// indexes reports tables that have the name of an index, because SQLite takes them for the same:
// each table has some indexes, and a rule may add one for each column of strings.
func (p *parsing) indexes(root *node) {
	for i := range p.result.Tables {
		t := &p.result.Tables[i]
		names := []string{t.SQL + "ByStamp", t.SQL + "Tombstones"}
		for _, c := range t.Columns {
			if c.Type == record.String {
				names = append(names, t.SQL+"By"+c.SQL)
			}
		}
		for _, name := range names {
			lower := strings.ToLower(name)
			if p.sql[lower] != "" {
				p.table = t.Name
				p.fail(root.lineOf(t.Name), "an index of it is or may be %s, which is the name of %s: write another sql", name, p.sql[lower])
				p.table = ""
			}
			p.sql[lower] = "an index of the table " + t.Name
		}
	}
}

// idName checks the name that the id has in the database.
func (p *parsing) idName(line int, name string) {
	if p.sqlName(line, "id", name) && slices.Contains(ownColumns, strings.ToLower(name)) {
		p.fail(line, "id %q is the name of a column that every table has", name)
	}
}

// columnName checks the name of a column in the database.
func (p *parsing) columnName(line int, name, wire string, taken map[string]string) {
	if !p.sqlName(line, "sql", name) {
		return
	}
	lower := strings.ToLower(name)
	switch {
	case slices.Contains(ownColumns, lower):
		p.fail(line, "sql %q is the name of a column that every table has: write sql = \"…\", another name for the database", name)
	case taken[lower] != "":
		p.fail(line, "sql %q is the name of %s already, and SQL does not tell small letters from capitals", name, taken[lower])
	default:
		taken[lower] = fmt.Sprintf("the column %s", wire)
	}
}

// nearest returns the known word that differs least from the word, or "" if none is near.
func nearest(word string, known []string) string {
	best, least := "", 3
	if len(word) > 64 {
		return ""
	}
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least && d*2 <= len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance is how many bytes must be inserted, deleted or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
