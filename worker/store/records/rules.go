package records

// rules are the pieces of SQL that hold one rule of synchronization each. All
// statements are made of them. A test that takes one rule out must see the
// simulation fail.
//
// A piece may name the table as $table and its primary key as $id. In the
// statements of a write, c is an incoming row, t the stored one.
type rules struct {
	// Stamps.
	next            string // the stamp of a batch is at least this, by the clock's stamp
	readClock       string // stamp, horizon and floor
	oldest          string // the changes since a stamp before this are not complete
	leastBase       string // a $base before this is stale. Who saw only the empty database before its birth missed nothing
	floor           string // what a restore sets besides the stamp
	forgotten       string // which tombstones a purge deletes
	replacementFrom string // where the rows of a replacement begin; it has no tombstones

	// Conflicts: a batch that compares.
	believed    string // a claim of a time that the server believes is taken as it is
	dead        string // a tombstone wins over every row
	keepDead    string // the column deleted after a row was written
	successor   string // the writer had seen the stored row: its row wins
	later       string // the time of such a winner, so that the same row does not win twice
	equalTimes  string // rows of equal times are ordered by their contents
	loses       string // another row loses; $differs says whether its contents differ
	restamped   string // the writer had seen the stored row, so its next pull must bring the winner
	winnerStamp string // $next is the stamp of the batch
	brings      string // the row brings the column of $bit
	buries      string // which ids become tombstones

	// Simple batches.
	simpleNext    string // as next
	simpleAbort   string // ends a batch that is not simple
	simpleLater   string // a row wins over an earlier one
	simpleAlive   string // a row does not win over a tombstone
	simpleClaims  string // a row does not win over one whose time was in the future
	simpleRevives string // further columns that a simple write sets

	// Rules of tables.
	readable   string // the caller may read the row if $holds
	writable   string // the caller may write a row that is stored if $holds
	pushable   string // the caller may push a row if $holds
	withdrawn  string // if the columns $changed, pulls tell the readers of before
	retold     string // the next pull of the caller brings a row of theirs that was rejected
	revived    string // the next pull of the caller brings a row whose deletion was rejected
	repeated   string // what was rejected once is rejected again
	other      string // a caller pulled for claims that are $other than those of their push
	noted      string // the stamp from which on a caller has new claims
	claimsThen string // the claims of the caller at the pull with the stamp ?2

	// Pages.
	asOf   string // the pages of one list end at one stamp
	gained string // rows to bring although they did not change: $columns are not what the client filled in
}

// standard are the rules as docs/protocol.md has them.
var standard = rules{
	next:            `stamp + 1`,
	readClock:       `SELECT ` + clockNames + ` FROM Clock`,
	oldest:          `max(floor, horizon)`,
	leastBase:       `max(iif(floor = born AND $base <= 1, 0, floor), horizon)`,
	floor:           `, floor = max(stamp + 1, CAST(?1 AS INTEGER))`,
	forgotten:       `stamp <= (SELECT horizon FROM Clock)`,
	replacementFrom: `-1`,

	believed:    `c.claimed > ifnull(t.ahead, 0)`,
	dead:        `c.dead`,
	keepDead:    `ifnull(t.deleted, 0)`,
	successor:   `c.stored_stamp <= ` + base,
	later:       `max(c.effective, c.stored_time + 1)`,
	equalTimes:  `c.effective = c.stored_time`,
	loses:       `$differs`,
	restamped:   `t.stamp <= ` + base,
	winnerStamp: `$next`,
	brings:      `c.mask & $bit`,
	buries:      `true`,

	simpleNext:   `stamp + 1`,
	simpleAbort:  `json('not simple')`,
	simpleLater:  `excluded.updated_at >= updated_at + 1`,
	simpleAlive:  `deleted = 0`,
	simpleClaims: `ahead IS NULL`,

	readable:   `$holds`,
	writable:   `$holds`,
	pushable:   `$holds`,
	withdrawn:  `$changed`,
	retold:     `true`,
	revived:    `true`,
	repeated:   `true`,
	other:      `$other`,
	noted:      `stamp + 1`,
	claimsThen: `(SELECT claims FROM Readers WHERE who = ?1 AND stamp <= ?2 ORDER BY stamp DESC LIMIT 1)`,

	asOf:   `t.stamp <= CAST(?2 AS INTEGER)`,
	gained: `t.deleted = 0 AND ($columns)`,
}
