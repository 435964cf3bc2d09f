// Package re2 compiles the regular expressions of RE2 that package pattern matches. The guest
// does not import it: a compiler and the tables of Unicode are large.
package re2

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"tidemark/shared/pattern"
)

// Compile returns the program of an expression, as package regexp reads it. An error is one
// line that says what is wrong with the pattern.
func Compile(expression string) (*pattern.Program, error) {
	var compiled *syntax.Prog
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err == nil {
		compiled, err = syntax.Compile(tree.Simplify())
	}
	if err != nil {
		return nil, fmt.Errorf("pattern is no RE2 expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	t := translation{from: compiled, numbers: map[uint32]uint32{}, named: map[string]uint32{}}
	t.number()
	instructions := make([]pattern.Instruction, len(t.order))
	for i, n := range t.order {
		instructions[i] = t.instruction(&compiled.Inst[n])
	}
	program, err := pattern.New(instructions, t.classes)
	if err != nil {
		return nil, fmt.Errorf("pattern is too large: its program has %w", err)
	}
	return program, nil
}

// MustCompile is Compile for expressions that are known to be right.
func MustCompile(expression string) *pattern.Program {
	program, err := Compile(expression)
	if err != nil {
		panic(err)
	}
	return program
}

// A translation makes a program of one of regexp/syntax.
type translation struct {
	from    *syntax.Prog
	order   []uint32          // its instructions that stay, the first one first
	numbers map[uint32]uint32 // of each of order its place there
	classes [][]rune
	named   map[string]uint32 // the number of each class
}

// number orders the instructions so that most go on to the one after them. Those that do
// nothing, such as captures, are left out.
func (t *translation) number() {
	for open := []uint32{uint32(t.from.Start)}; len(open) > 0; {
		n := open[len(open)-1]
		open = open[:len(open)-1]
		for more := true; more; {
			n = t.skip(n)
			if _, known := t.numbers[n]; known {
				break
			}
			t.numbers[n] = uint32(len(t.order))
			t.order = append(t.order, n)
			in := &t.from.Inst[n]
			if isEither(in) {
				open = append(open, in.Arg)
			}
			more = in.Op != syntax.InstMatch && in.Op != syntax.InstFail
			n = in.Out
		}
	}
}

// skip returns the first instruction from n on that does something.
func (t *translation) skip(n uint32) uint32 {
	for in := &t.from.Inst[n]; in.Op == syntax.InstNop || in.Op == syntax.InstCapture; in = &t.from.Inst[n] {
		n = in.Out
	}
	return n
}

func isEither(in *syntax.Inst) bool { return in.Op == syntax.InstAlt || in.Op == syntax.InstAltMatch }

func (t *translation) instruction(in *syntax.Inst) pattern.Instruction {
	switch {
	case in.Op == syntax.InstMatch:
		return pattern.Instruction{Op: pattern.Match}
	case in.Op == syntax.InstFail:
		return pattern.Instruction{Op: pattern.Fail}
	}
	out := t.numbers[t.skip(in.Out)]
	switch {
	case isEither(in):
		return pattern.Instruction{Op: pattern.Either, Out: out, Arg: t.numbers[t.skip(in.Arg)]}
	case in.Op == syntax.InstEmptyWidth:
		return pattern.Instruction{Op: pattern.Assert, Out: out, Arg: in.Arg}
	}
	class := classOf(in)
	if len(class) == 2 && class[0] == class[1] {
		return pattern.Instruction{Op: pattern.Rune, Out: out, Arg: uint32(class[0])}
	}
	name := fmt.Sprint(class)
	n, known := t.named[name]
	if !known {
		n = uint32(len(t.classes))
		t.named[name], t.classes = n, append(t.classes, class)
	}
	return pattern.Instruction{Op: pattern.Class, Out: out, Arg: n}
}

// classOf returns the code points that an instruction takes, as pattern.New wants them.
func classOf(in *syntax.Inst) []rune {
	switch {
	case in.Op == syntax.InstRuneAny:
		return []rune{0, unicode.MaxRune}
	case in.Op == syntax.InstRuneAnyNotNL:
		return []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	case len(in.Rune) != 1:
		return in.Rune
	}
	fold := []rune{in.Rune[0]}
	if in.Op == syntax.InstRune && syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
		for r := unicode.SimpleFold(fold[0]); r != in.Rune[0]; r = unicode.SimpleFold(r) {
			fold = append(fold, r)
		}
	}
	slices.Sort(fold)
	var class []rune
	for _, r := range fold {
		class = append(class, r, r)
	}
	return class
}
