package projects

import (
	"fmt"
	"strings"

	"tidemark/shared/project"
	"tidemark/worker/store"
)

// The parameters of a statement about a project: ?1 is the project, ?2 the
// caller, ?3 the rows as JSON {list: {id: row}} with the lists created, updated
// and deleted, ?4 what names this batch in ProjectSequences.drawn.

// callerAccess is the caller's role as a number, or one of the numbers below. A
// member of a project that was deleted has a membership with the number of that
// deletion.
var callerAccess = `coalesce(
	(SELECT ` + rankOf("role") + ` FROM ProjectMemberships WHERE project_id = ?1 AND user_id = ?2 AND deleted_version IS NULL),
	(SELECT CASE WHEN p.deleted_version IS NOT NULL AND m.seq = p.seq THEN -1 ELSE -2 END
		FROM ProjectMemberships m JOIN Projects p ON p.id = m.project_id
		WHERE m.project_id = ?1 AND m.user_id = ?2 ORDER BY m.seq DESC LIMIT 1),
	0)`

// The values of callerAccess for a caller that is not a member.
const (
	accessNone    = 0
	accessGone    = -1 // was a member when the project was deleted
	accessRevoked = -2 // was removed
)

// listedRows are the rows of ?3: the list k, their order n in it, the id, and their
// fields, as JSON. Taking them from there by path would
// parse each row once a column.
const listedRows = `rows(k, n, id, "set") AS MATERIALIZED (
	SELECT l.key, r.id, r.key, r.value FROM jsonb_each(?3) l, jsonb_each(l.value) r)`

// baseVersion is the version that the change of row r was made on, or NULL.
const baseVersion = `json_extract(r."set", '$.server_version')`

// batchSeq is the number that this batch drew, or no row if it drew none.
const batchSeq = `(SELECT seq FROM ProjectSequences WHERE project_id = ?1 AND drawn = ?4)`

// rankOf is a role's number.
func rankOf(column string) string {
	var b strings.Builder
	b.WriteString("CASE " + column)
	for _, r := range project.Roles {
		fmt.Fprintf(&b, " WHEN %s THEN %d", store.Literal(r.String()), r)
	}
	return b.String() + " END"
}

// pulledValue is the field of t as a pull returns it. There an array is JSON text,
// as a WatermelonDB column holds it.
func pulledValue(f *project.Field) string {
	switch f.Kind {
	case project.Boolean:
		return store.JSONBoolean("t." + f.Name)
	case project.Integer:
		return "CAST(t." + f.Name + " AS INTEGER)"
	}
	return "t." + f.Name
}

// rowObject is the JSON of a row of t, of a pull or of REST, where an array is one.
func rowObject(c *project.Collection, pull bool) string {
	var b strings.Builder
	b.WriteString("json_object('id', t.id, 'server_version', t.server_version")
	for _, f := range c.Fields {
		value := pulledValue(&f)
		if !pull && (f.Kind == project.Days || f.Kind == project.Dates) {
			value = "json(" + value + ")"
		}
		fmt.Fprintf(&b, ", %s, %s", store.Literal(f.Name), value)
	}
	return b.String() + ")"
}

// hasField says whether row r has the field; fieldValue is its value.
func hasField(f string) string   { return `json_type(r."set", '$.` + f + `') IS NOT NULL` }
func fieldValue(f string) string { return `json_extract(r."set", '$.` + f + `')` }

// isChanged says whether row r has another value than t. In a creation t has none.
func isChanged(f string) string {
	return "(" + hasField(f) + " AND " + fieldValue(f) + " IS NOT t." + f + ")"
}

// fieldsOf gives the JSON array of the fields of t that were changed after the
// base version of r, and that r brings another value for, or does not bring.
func fieldsOf(c *project.Collection, bring bool) string {
	condition := `json_type(r."set", '$.' || f.key) IS NULL`
	if bring {
		condition = `EXISTS (SELECT 1 FROM json_each(r."set") g WHERE g.key = f.key
			AND json_extract(` + rowObject(c, true) + `, '$.' || f.key) IS NOT g.value)`
	}
	return `(SELECT json_group_array(f.key) FROM json_each(t.changed) f WHERE f.value > ` + baseVersion + ` AND ` + condition + `)`
}

// problemsOf returns a common table with one line for each of the rows: k, id, code and
// field (NULL if the row is valid), and for a conflict the fields, those that were
// merged, the row's JSON and its version. It needs listedRows. The rules of roles,
// references, cycles and conflicts run here, as SQL, because a write is one batch. The
// simulation tests them against its model in Go.
func problemsOf(c *project.Collection, upload bool, r *rules) string {
	var b strings.Builder
	when := func(condition string, code project.Code, field string) {
		fmt.Fprintf(&b, "\n\t\tWHEN %s THEN '%s %s'", condition, code, field)
	}
	may := func(a project.Action) string { return fmt.Sprintf("%s < %d", callerAccess, a.Needs()) }

	if upload {
		when("t.project_id <> ?1", project.IDTaken, "id")
		when("r.k = 'updated' AND t.id IS NULL", project.NotFound, "id")
		b.WriteString("\n\t\tWHEN t.deleted_version IS NOT NULL OR r.k = 'deleted' AND t.id IS NULL THEN NULL")
	} else {
		when("r.k = 'created' AND t.project_id <> ?1", project.IDTaken, "id")
		when("r.k = 'created' AND t.deleted_version IS NOT NULL", project.IDDeleted, "id")
		when("r.k <> 'created' AND (t.id IS NULL OR t.project_id <> ?1 OR t.deleted_version IS NOT NULL)", project.NotFound, "")
		if c.Name == project.Projects {
			when("r.k = 'created' AND t.id IS NOT NULL AND "+callerAccess+" <= 0", project.IDTaken, "id")
		}
		when("r.k = 'created' AND t.id IS NOT NULL", project.Exists, "")
	}
	switch c.Name {
	case project.Tasks:
		when("r.k = 'deleted' AND "+may(project.DeleteTasks), project.RoleTooLow, "")
		when("t.id IS NOT NULL AND t.assignee_id IS NOT NULL AND t.assignee_id <> ?2 AND "+may(project.EditTasks), project.RoleTooLow, "")
		for _, f := range c.Fields {
			if f.Plan {
				when(may(project.PlanTasks)+" AND "+isChanged(f.Name), project.RoleTooLow, f.Name)
			}
		}
	case project.Memberships:
		when("(t.role = 'Owner' OR coalesce("+fieldValue("role")+" = 'Owner', 0)) AND "+may(project.ChangeOwners), project.RoleTooLow, "role")
		when(`r.k = 'created' AND EXISTS (SELECT 1 FROM ProjectMemberships x
			WHERE x.project_id = ?1 AND x.user_id = `+fieldValue("user_id")+` AND x.deleted_version IS NULL)`, project.MemberTwice, "user_id")
		when(`t.role = 'Owner' AND (r.k = 'deleted' OR `+isChanged("role")+`) AND NOT EXISTS (SELECT 1 FROM ProjectMemberships x
			WHERE x.project_id = ?1 AND x.role = 'Owner' AND x.deleted_version IS NULL AND x.id <> t.id)`, project.LastOwner, "role")
	}
	b.WriteString("\n\t\tWHEN r.k = 'deleted' THEN NULL")
	when(baseVersion+" > t.server_version", project.VersionAhead, "server_version")
	when(baseVersion+" > 0 AND "+fieldsOf(c, true)+" <> '[]'", project.SyncConflict, "")
	for _, f := range c.Fields {
		if f.Kind == project.Ref {
			when(isChanged(f.Name)+" AND "+fieldValue(f.Name)+" IS NOT NULL AND NOT "+isLive(f, upload), project.BadReference, f.Name)
		}
	}
	switch c.Name {
	case project.Tasks:
		when("r.id IN (SELECT start FROM up WHERE id = start OR id IS NOT NULL AND depth = "+fmt.Sprint(project.MaxNesting+1)+")",
			project.ParentCycle, "parent_id")
	case project.Dependencies:
		when("r.k = 'created' AND EXISTS "+pathBack(r), project.LinkCycle, "successor_id")
		when(`r.k = 'created' AND EXISTS (SELECT 1 FROM ProjectDependencies x WHERE x.predecessor_id = `+fieldValue("predecessor_id")+`
			AND x.successor_id = `+fieldValue("successor_id")+` AND x.deleted_version IS NULL)`, project.LinkTwice, "successor_id")
	}
	if c.Name == project.Tasks {
		return parentWalk + fmt.Sprintf(problemTable, b.String(), fieldsOf(c, true), fieldsOf(c, false), rowObject(c, false), c.Table)
	}
	return fmt.Sprintf(problemTable, b.String(), fieldsOf(c, true), fieldsOf(c, false), rowObject(c, false), c.Table)
}

const problemTable = `problems(k, id, problem, fields, merged, row, version) AS MATERIALIZED (
	SELECT r.k, r.id, CASE %s END, iif(` + baseVersion + ` > 0, %s, '[]'), iif(` + baseVersion + ` > 0, %s, '[]'), iif(t.project_id = ?1, %s, NULL), t.server_version
	FROM rows r LEFT JOIN %s t ON t.id = r.id)`

// problemJSON is a line of problems, for readProblem.
const problemJSON = `json_object('list', k, 'id', id, 'problem', problem, 'fields', json(fields), 'merged', json(merged), 'row', json(row), 'version', version)`

// isLive says whether the field of r names a live row of the project, or one that
// the upload creates.
func isLive(f project.Field, upload bool) string {
	to := project.Find(f.To)
	column := "id"
	if f.To == project.Memberships {
		column = "user_id"
	}
	live := fmt.Sprintf("EXISTS (SELECT 1 FROM %s x WHERE x.%s = %s AND x.project_id = ?1 AND x.deleted_version IS NULL)",
		to.Table, column, fieldValue(f.Name))
	if !upload || f.To != project.Tasks {
		return live
	}
	return "(" + live + ` OR EXISTS (SELECT 1 FROM rows x WHERE x.id = ` + fieldValue(f.Name) + ` AND x.k = 'created')
		AND NOT EXISTS (SELECT 1 FROM ProjectTasks x WHERE x.id = ` + fieldValue(f.Name) + `))`
}

// parentWalk is a common table that walks, from each of the rows that moves under
// another parent, up to the root, as things will be when all have moved.
var parentWalk = `moves(id, parent_id) AS MATERIALIZED (
	SELECT r.id, ` + fieldValue("parent_id") + ` FROM rows r WHERE r.k <> 'deleted' AND ` + hasField("parent_id") + `),
up(start, id, depth) AS (
	SELECT id, parent_id, 1 FROM moves WHERE parent_id IS NOT NULL
	UNION ALL
	SELECT up.start, iif(m.id IS NULL, t.parent_id, m.parent_id), up.depth + 1
	FROM up LEFT JOIN moves m ON m.id = up.id LEFT JOIN ProjectTasks t ON t.id = up.id
	WHERE up.id IS NOT NULL AND up.id <> up.start AND up.depth <= ` + fmt.Sprint(project.MaxNesting) + `),
`

// pathBack returns a query with a row if the predecessor that r gives can be reached from the
// successor.
func pathBack(r *rules) string {
	return `(WITH RECURSIVE onward(id) AS (
		SELECT ` + fieldValue("successor_id") + `
		UNION
		SELECT d.successor_id FROM onward JOIN ProjectDependencies d ON d.predecessor_id = onward.id AND d.deleted_version IS NULL)
	SELECT 1 FROM onward WHERE ` + r.reaches + fieldValue("predecessor_id") + `)`
}

// insertRows writes the rows that are created and not known.
func insertRows(c *project.Collection) string {
	var names, values strings.Builder
	for _, f := range c.Fields {
		names.WriteString(", " + f.Name)
		value := fieldValue(f.Name)
		if f.Default != nil { // then the field is not nullable
			value = "coalesce(" + value + ", " + store.Literal(f.Default) + ")"
		}
		values.WriteString(", " + value)
	}
	return fmt.Sprintf(`INSERT INTO %s (id, project_id%s, server_version, seq, created_seq)
SELECT r.id, ?1%s, 1, s.seq, s.seq
FROM rows r JOIN ProjectSequences s ON s.project_id = ?1 AND s.drawn = ?4
WHERE r.k = 'created' AND NOT EXISTS (SELECT 1 FROM %[1]s x WHERE x.id = r.id)`, c.Table, names.String(), values.String())
}

// updateRows writes the rows that are known and live. The plus keeps SQLite from
// walking through all rows of the project.
func updateRows(c *project.Collection, rules *rules) string {
	var set strings.Builder
	var changed []string
	for _, f := range c.Fields {
		fmt.Fprintf(&set, "\n\t%s = iif(%s, %s, t.%[1]s),", f.Name, hasField(f.Name), fieldValue(f.Name))
		changed = append(changed, fmt.Sprintf(`iif(%s, '"%s":' || (t.server_version + 1) || ',', '')`, isChanged(f.Name), f.Name))
	}
	return fmt.Sprintf(`WITH %s
UPDATE %s AS t SET %s
	changed = json_patch(t.changed, '{' || rtrim(%s, ',') || '}'),
	server_version = %s, seq = %s
FROM rows r, ProjectSequences s
WHERE t.id = r.id AND r.k <> 'deleted' AND +t.project_id = ?1 AND t.deleted_version IS NULL
	AND s.project_id = ?1 AND s.drawn = ?4`, listedRows, c.Table, set.String(), strings.Join(changed, " || "), rules.version, rules.stamp)
}

// bury turns the live rows of the project that fit the condition into
// tombstones. with are common tables for the condition.
func bury(table, with, seq, condition string) string {
	return fmt.Sprintf(`%s UPDATE %s SET server_version = server_version + 1, deleted_version = server_version + 1, seq = %s
WHERE project_id = ?1 AND deleted_version IS NULL AND EXISTS %s AND %s`, with, table, seq, batchSeq, condition)
}

// burials are the statements that delete the rows of that collection that
// are in the list deleted, and the rows that need them, each with its table.
func burials(c *project.Collection, r *rules) []collectionWrite {
	listed := `id IN (SELECT id FROM rows WHERE k = 'deleted')`
	switch c.Name {
	case project.Projects:
		var all []collectionWrite
		for _, c := range project.Collections {
			all = append(all, collectionWrite{c.Name, bury(c.Table, "WITH "+listedRows, batchSeq, "EXISTS (SELECT 1 FROM rows WHERE k = 'deleted')")})
		}
		return all
	case project.Tasks:
		return []collectionWrite{
			{project.Tasks, bury(c.Table, "WITH RECURSIVE "+listedRows+`,
doomed(id) AS (
	SELECT t.id FROM rows r JOIN ProjectTasks t ON t.id = r.id
	WHERE r.k = 'deleted' AND +t.project_id = ?1 AND t.deleted_version IS NULL
	UNION
	SELECT t.id FROM doomed d JOIN ProjectTasks t ON t.parent_id = d.id
	WHERE +t.project_id = ?1 AND t.deleted_version IS NULL)`, r.stampSubtasks, "id IN doomed")},
			{project.Dependencies, bury("ProjectDependencies", "WITH "+listedRows+`,
dead(id) AS MATERIALIZED (
	SELECT id FROM ProjectTasks WHERE project_id = ?1 AND seq = `+batchSeq+` AND deleted_version IS NOT NULL)`, r.stampDependencies,
				`id IN (SELECT id FROM ProjectDependencies WHERE predecessor_id IN dead AND deleted_version IS NULL
	UNION SELECT id FROM ProjectDependencies WHERE successor_id IN dead AND deleted_version IS NULL)
	AND EXISTS (SELECT 1 FROM rows WHERE k = 'deleted')`)},
		}
	case project.Calendars:
		return []collectionWrite{
			{project.Calendars, bury(c.Table, "WITH "+listedRows, batchSeq, listed)},
			{project.Projects, `WITH ` + listedRows + ` UPDATE Projects SET calendar_id = NULL, server_version = server_version + 1, seq = ` + batchSeq + `,
	changed = json_set(changed, '$.calendar_id', server_version + 1)
WHERE id = ?1 AND calendar_id IN (SELECT id FROM rows WHERE k = 'deleted') AND EXISTS ` + batchSeq},
		}
	}
	return []collectionWrite{{c.Name, bury(c.Table, "WITH "+listedRows, batchSeq, listed)}}
}

// A collectionWrite is a statement and the collection that it changes.
type collectionWrite struct {
	name project.Name
	sql  string
}
