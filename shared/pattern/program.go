// Package pattern says whether a whole text matches a regular expression that was compiled
// before. Package re2 compiles it: the guest does not, and so it has neither package regexp nor
// the tables of Unicode.
package pattern

import (
	"fmt"
	"slices"
)

// The most that a program may have.
const (
	MaxInstructions = 4000
	MaxRanges       = 10_000 // of all its classes together
)

// An Op is what an instruction does.
type Op uint8

// The operations. All but Fail and Match go on to the instruction Out.
const (
	Fail   Op = iota
	Match     // matches at the end of the text
	Rune      // takes the code point Arg
	Class     // takes a code point of the class Arg
	Either    // goes on to Arg also, and takes nothing
	Assert    // takes nothing, and goes on where all assertions in Arg hold
)

// The assertions, as regexp/syntax.EmptyOp has them.
const (
	BeginLine = 1 << iota
	EndLine
	BeginText
	EndText
	WordBoundary
	NoWordBoundary
)

// An Instruction is one step of a Program.
type Instruction struct {
	Op  Op
	Out uint32 // the number of an instruction
	Arg uint32
}

// A Program is a compiled regular expression. It begins with instruction 0. Whoever has a
// program has a valid one: New and UnmarshalText reject all else.
type Program struct {
	instructions []Instruction
	classes      [][]rune // of each the first and last code points of its ranges, ascending
	asserts      bool     // whether an instruction is Assert
}

// New returns the program of instructions and classes, which the program owns then. A class has
// the first and the last code point of each of its ranges, in ascending order.
func New(instructions []Instruction, classes [][]rune) (*Program, error) {
	n, ranges := len(instructions), 0
	if n == 0 || n > MaxInstructions {
		return nil, fmt.Errorf("%d instructions, and may have 1 to %d", n, MaxInstructions)
	}
	for i, class := range classes {
		ranges += len(class) / 2
		if len(class)%2 != 0 {
			return nil, fmt.Errorf("half a range in class %d", i)
		}
		last := rune(-1)
		for j, r := range class {
			if j%2 == 0 && r <= last || r < last || r > maxRune {
				return nil, fmt.Errorf("ranges that do not ascend, or leave Unicode, in class %d", i)
			}
			last = r
		}
	}
	if ranges > MaxRanges {
		return nil, fmt.Errorf("%d ranges of code points, and may have at most %d", ranges, MaxRanges)
	}
	p := &Program{instructions: instructions, classes: classes}
	for i, in := range instructions {
		out, limit := n-1, 0 // of Arg
		switch in.Op {
		case Fail, Match:
			out = 0
		case Rune:
			limit = maxRune
		case Class:
			limit = len(classes) - 1
		case Either:
			limit = n - 1
		case Assert:
			limit = 2*NoWordBoundary - 1
			p.asserts = true
		default:
			return nil, fmt.Errorf("operation %d in instruction %d", in.Op, i)
		}
		if int64(in.Out) > int64(out) || int64(in.Arg) > int64(limit) {
			return nil, fmt.Errorf("out %d and argument %d in instruction %d", in.Out, in.Arg, i)
		}
	}
	return p, nil
}

const maxRune = 0x10FFFF

// Equal says whether two programs are the same, or both are nil.
func (p *Program) Equal(other *Program) bool {
	if p == nil || other == nil {
		return p == other
	}
	return slices.Equal(p.instructions, other.instructions) &&
		slices.EqualFunc(p.classes, other.classes, slices.Equal[[]rune])
}
