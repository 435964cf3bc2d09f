package store

import (
	"strings"

	"tidemark/shared/abi"
)

const announcing = "INSERT OR IGNORE INTO Webhooks (type, key) "

// Announce returns the statement that notes in the outbox, in the transaction of a change, that
// the receiver of webhooks must hear of the change. source is a SELECT of the type and
// the key. The statement changes nothing if the same waits already.
func Announce(source string, args ...any) abi.Statement {
	return abi.Statement{SQL: announcing + source, Args: args}
}

// Announces says whether one of the statements is of Announce.
func Announces(statements []abi.Statement) bool {
	for i := range statements {
		if strings.HasPrefix(statements[i].SQL, announcing) {
			return true
		}
	}
	return false
}

// Announced returns how many rows statements of Announce have added, at least; there may be as many
// results as statements, or fewer.
func Announced(statements []abi.Statement, results []abi.Result) (rows int) {
	for i := range results {
		if results[i].Changes > 0 && strings.HasPrefix(statements[i].SQL, announcing) {
			rows += results[i].Changes
		}
	}
	return rows
}
