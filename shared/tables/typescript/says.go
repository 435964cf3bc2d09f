package typescript

import (
	"encoding/json"
	"fmt"
	"strings"

	"tidemark/shared/record"
)

// about says since when a table is there, and who may read and write it: sentences, each after
// a blank.
func about(t *record.Table) string {
	var b strings.Builder
	if t.Since > 1 {
		fmt.Fprintf(&b, " Since schema version %d.", t.Since)
	}
	if t.Read != nil {
		fmt.Fprintf(&b, " Read: %s.", comment(t.Read.String()))
	}
	if t.Write != nil {
		fmt.Fprintf(&b, " Write: %s.", comment(t.Write.String()))
	}
	return b.String()
}

// says are the sentences on a column that its type does not say.
func says(t *record.Table, c *record.Column) string {
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if since := max(c.Since, t.Since); since > 1 {
		say("Since schema version %d.", since)
	}
	if c.Required() {
		say("Mandatory in a new row.")
	}
	if c.Default != nil {
		say("Without it a new row has %s.", literal(c.Default))
	}
	unit := ""
	if c.Type == record.String {
		unit = " UTF-16 units"
	}
	if c.Check.Min != nil {
		say("At least %s%s.", literal(*c.Check.Min), unit)
	}
	if c.Check.Max != nil {
		say("At most %s%s.", literal(*c.Check.Max), unit)
	}
	if c.Check.Enum != nil {
		var values []string
		for _, v := range c.Check.Enum {
			values = append(values, literal(v))
		}
		say("One of %s.", strings.Join(values, ", "))
	}
	if c.Check.Pattern != "" {
		say("Its pattern is %s.", literal(c.Check.Pattern))
	}
	return comment(strings.Join(list, " "))
}

// comment makes a text fit for a comment on one line.
func comment(text string) string {
	return strings.NewReplacer("*/", `*\/`, "\n", " ", "\r", " ", "\u2028", " ", "\u2029", " ").Replace(text)
}

// literal returns a string, a float64 or a bool as TypeScript writes it.
func literal(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // a valid schema has no infinite number
	}
	return strings.TrimSuffix(b.String(), "\n")
}
