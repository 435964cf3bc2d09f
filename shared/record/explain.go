package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidemark/shared/ijson"
)

// Explain says why the rule does not hold for a row, a sentence for each term. value returns what the row has in a
// column, or in id, and false if that is null.
func (r Rule) Explain(c Caller, value func(column string) (text string, there bool)) (reasons []string) {
	claims, _ := ijson.Members([]byte(c.Claims), 2) // an object of strings and arrays
	for _, t := range r {
		switch t.Kind {
		case Everybody:
		case Nobody:
			reasons = append(reasons, "the rule is none: nobody may")
		case HasScope:
			reasons = append(reasons, "the scope has no "+t.Claim)
		default:
			has := t.Column + " is null"
			if text, there := value(t.Column); there {
				has = t.Column + " is " + quoted(text)
			}
			raw := claims[t.Claim]
			if t.Claim == Subject {
				raw = nil
				if c.Subject != "" {
					raw = ijson.AppendString(nil, c.Subject)
				}
			}
			reasons = append(reasons, has+", and "+claimText(t, raw))
		}
	}
	return reasons
}

// claimText says what the caller has in the claim that a term compares with a column.
func claimText(t Term, raw []byte) string {
	name := "the claim " + t.Claim
	text, err := ijson.Text(raw)
	list, notList := ijson.Texts(raw)
	switch {
	case raw == nil && t.Claim == Subject:
		return "the token has no claim sub"
	case raw == nil:
		return "the token has no string and no list in " + name
	case t.Kind == ColumnIs && err != nil:
		return name + " is a list, and no string"
	case t.Kind == ColumnIs && text == "":
		return name + " is empty"
	case t.Kind == ColumnIs:
		return name + " is " + quoted(text)
	case notList != nil:
		return name + " is a string, and no list"
	}
	list = slices.DeleteFunc(list, func(text string) bool { return text == "" })
	if len(list) == 0 {
		return name + " is an empty list"
	}
	return name + " has " + listed(list)
}

// maxListed is how many elements of a claim a reason shows.
const maxListed = 5

func listed(list []string) string {
	more := ""
	if len(list) > maxListed {
		more = fmt.Sprintf(", and %d more", len(list)-maxListed)
		list = list[:maxListed]
	}
	var texts []string
	for _, text := range list {
		texts = append(texts, quoted(text))
	}
	return strings.Join(texts, ", ") + more
}

func quoted(text string) string { return strconv.Quote(shown(text)) }
