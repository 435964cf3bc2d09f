package engines

import (
	"bytes"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"tidemark/shared/abi"
)

// ncruces is a port of SQLite by way of WebAssembly, translated to Go.
type ncruces struct {
	*sqlite3.Conn
	kept map[string]*sqlite3.Stmt
}

func openNcruces() (Engine, error) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		return nil, err
	}
	return &ncruces{db, map[string]*sqlite3.Stmt{}}, migrate(db.Exec)
}

func (n *ncruces) Batch(statements []abi.Statement) error {
	if err := n.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, s := range statements {
		if err := n.run(s); err != nil {
			n.Exec("ROLLBACK")
			return fmt.Errorf("%s: %w", s.SQL, err)
		}
	}
	return n.Exec("COMMIT")
}

func (n *ncruces) run(in abi.Statement) error {
	s := n.kept[in.SQL]
	if s == nil {
		var err error
		if s, _, err = n.PrepareFlags(in.SQL, sqlite3.PREPARE_PERSISTENT); err != nil {
			return err
		}
		n.kept[in.SQL] = s
	}
	defer s.Reset()
	for i, arg := range in.Args {
		if err := bindNcruces(s, i+1, arg); err != nil {
			return err
		}
	}
	sink = sink[:0]
	for s.Step() {
		row := make([]any, s.ColumnCount())
		for i := range row {
			switch s.ColumnType(i) {
			case sqlite3.INTEGER, sqlite3.FLOAT:
				row[i] = s.ColumnFloat(i)
			case sqlite3.TEXT:
				row[i] = abi.Text(bytes.Clone(s.ColumnRawText(i)))
			case sqlite3.BLOB:
				row[i] = bytes.Clone(s.ColumnRawBlob(i))
			}
		}
		sink = append(sink, row)
	}
	return s.Err()
}

func bindNcruces(s *sqlite3.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		return s.BindNull(i)
	case int:
		return s.BindFloat(i, float64(v))
	case int64:
		return s.BindFloat(i, float64(v))
	case float64:
		return s.BindFloat(i, v)
	case string:
		return s.BindText(i, v)
	case abi.Text:
		return s.BindRawText(i, v)
	case []byte:
		return s.BindBlob(i, v)
	}
	return fmt.Errorf("a parameter is a %T", arg)
}
