//go:build mattn

package engines

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/mattn/go-sqlite3"

	"tidemark/shared/abi"
)

func init() { Engines["mattn"] = openMattn }

// mattn is SQLite as C, called by cgo.
type mattn struct {
	*sqlite3.SQLiteConn
	kept map[string]driver.StmtQueryContext
}

func openMattn() (Engine, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(":memory:")
	if err != nil {
		return nil, err
	}
	m := &mattn{conn.(*sqlite3.SQLiteConn), map[string]driver.StmtQueryContext{}}
	return m, migrate(m.script)
}

func (m *mattn) script(sql string) error {
	_, err := m.ExecContext(context.Background(), sql, nil)
	return err
}

func (m *mattn) Batch(statements []abi.Statement) error {
	if err := m.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, s := range statements {
		if err := m.run(s); err != nil {
			m.script("ROLLBACK")
			return fmt.Errorf("%s: %w", s.SQL, err)
		}
	}
	return m.script("COMMIT")
}

func (m *mattn) run(in abi.Statement) error {
	s := m.kept[in.SQL]
	if s == nil {
		prepared, err := m.PrepareContext(context.Background(), in.SQL)
		if err != nil {
			return err
		}
		s = prepared.(driver.StmtQueryContext)
		m.kept[in.SQL] = s
	}
	args := make([]driver.NamedValue, len(in.Args))
	for i, arg := range in.Args {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: valueOf(arg)}
	}
	rows, err := s.QueryContext(context.Background(), args)
	if err != nil {
		return err
	}
	defer rows.Close()
	sink = sink[:0]
	for {
		row := make([]driver.Value, len(rows.Columns()))
		if err := rows.Next(row); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		cells := make([]any, len(row))
		for i, cell := range row {
			cells[i] = cell
		}
		sink = append(sink, cells)
	}
}

func valueOf(arg any) driver.Value {
	switch v := arg.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case abi.Text:
		return string(v)
	}
	return arg
}
