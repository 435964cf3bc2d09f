// Package project describes a project: its collections and their fields as data, the
// roles and the actions that each role may do, and which values are valid.
//
// A row on the wire has id, then server_version, then the fields of its
// collection in declared order.
package project

import "tidemark/shared/ijson"

// A Version is a row's own counter: 1 on insert, one more with every update,
// and one more with its deletion. It is part of the row, and the token of the
// optimistic lock. docs/protocol.md, Projects 2.
type Version int64

// A Seq is a number of a project's one sequence. Every write draws the next
// and stamps its rows with it; since, timestamp and cursor of a pull are such
// numbers. It is not part of a row, and means nothing beside a Version.
// docs/protocol.md, Projects 2.
type Seq int64

// MaxSeq is beyond every Seq of a project.
const MaxSeq Seq = ijson.MaxInteger + 1
