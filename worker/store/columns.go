package store

import "bytes"

// appendRows appends the JSON objects, divided by commas, of a part that holds
// columns: a line for each member, with a JSON array of as many scalars as
// there are rows, written by SQLite, that is without white space. Members stand
// before the values.
func appendRows(b []byte, members [][]byte, part []byte) []byte {
	columns := make([][]byte, len(members))
	for i := range columns {
		var line []byte
		line, part, _ = bytes.Cut(part, []byte{'\n'})
		if len(line) < len("[]") {
			return b // not what the statement answers
		}
		columns[i] = line[1 : len(line)-1]
	}
	for len(columns[0]) > 0 {
		for i, member := range members {
			b = append(b, member...)
			end := scalarEnd(columns[i])
			b = append(b, columns[i][:end]...)
			columns[i] = columns[i][min(end+1, len(columns[i])):]
		}
		b = append(b, '}', ',')
	}
	return bytes.TrimSuffix(b, []byte{','})
}

// scalarEnd is where the scalar that b begins with ends.
func scalarEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		if i := bytes.IndexByte(b, ','); i >= 0 {
			return i
		}
		return len(b)
	}
	for i := 1; ; {
		quote := bytes.IndexByte(b[i:], '"')
		if quote < 0 {
			return len(b)
		}
		i += quote + 1
		slashes := 0
		for b[i-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
}
