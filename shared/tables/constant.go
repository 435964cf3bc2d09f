package tables

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"

	"tidemark/shared/record"
)

const constant = "declared"

// Constant returns the text of declared.go, which builds a schema into the guest.
func Constant(s *record.Schema) []byte {
	var b bytes.Buffer
	b.WriteString("package record\n\n// " + constant + ` is what tables.toml declares, made from it by
//
//	tidemark tables migrate
//
// Change tables.toml, and not this.
const ` + constant + " = `")
	// One line for each table and column. No string of JSON has {"name" in it, without backslashes.
	text := strings.ReplaceAll(string(s.Encode()), `{"name"`, "\n"+`{"name"`)
	b.WriteString(strings.ReplaceAll(text, "`", "` + \"`\" + `") + "`\n")
	return b.Bytes()
}

// Built reads the schema of a declared.go.
func Built(source []byte) (record.Schema, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	if err != nil {
		return record.Schema{}, err
	}
	text, err := "", errors.New("it has no constant "+constant)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && spec.Names[0].Name == constant && len(spec.Values) == 1 {
			text, err = concatenated(spec.Values[0])
		}
		return true
	})
	if err != nil {
		return record.Schema{}, err
	}
	return record.Decode([]byte(text))
}

// concatenated returns the string of literals with + between.
func concatenated(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.BinaryExpr:
		left, err := concatenated(e.X)
		if err != nil {
			return "", err
		}
		right, err := concatenated(e.Y)
		return left + right, err
	}
	return "", fmt.Errorf("the constant %s is no string", constant)
}
