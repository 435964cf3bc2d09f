package projects

// rules are the pieces of SQL that hold one rule of projects each. A test that takes
// one rule out must see the simulation fail. t is a stored row, s the project's
// sequence.
type rules struct {
	mark              string // what a reader has seen after a page: the project's last number
	cursor            string // orders the rows of a page
	beyond            string // a page goes on behind the row ($seq, $id)
	sent              string // further conditions of the rows of a page
	stamp             string // the number of a row that was changed
	stampSubtasks     string // the number of a task that goes with its parent
	stampDependencies string // the number of a dependency that goes with a task
	version           string // the version of a row that was changed
	reaches           string // a dependency may not close a cycle: before the predecessor's id
	known             string // further conditions of an upload that was done before
	notKnown          string // an upload draws a number only if it was not done before
	keepAnswer        string // writes the answer of an upload
}

// standard are the rules as docs/protocol.md has them.
var standard = rules{
	mark:              `coalesce((SELECT seq FROM ProjectSequences WHERE project_id = ?1), 0)`,
	cursor:            `t.seq`,
	beyond:            `(t.seq, t.id) > ($seq, $id)`,
	stamp:             `s.seq`,
	stampSubtasks:     batchSeq,
	stampDependencies: batchSeq,
	version:           `t.server_version + 1`,
	reaches:           `id = `,
	notKnown:          `NOT EXISTS (SELECT 1 FROM ProjectUploads WHERE project_id = ?1 AND user_id = ?2 AND client_batch_id = ?6)`,
	keepAnswer:        `INSERT`,
}
