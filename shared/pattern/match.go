package pattern

import "unicode/utf8"

// stackInstructions is how many instructions a program may have for Match to allocate nothing.
const stackInstructions = 128

// end is the code point before a text and after it.
const end = rune(-1)

// Match says whether the whole text matches. It follows all ways through the program at once: a
// code point costs at most one look at each instruction. An invalid byte counts as U+FFFD.
func (p *Program) Match(text string) bool {
	n := len(p.instructions)
	if n == 0 {
		return false
	}
	var stack [4 * stackInstructions]uint16
	space := stack[:]
	if 4*n > len(space) {
		space = make([]uint16, 4*n)
	}
	here := set{dense: space[:n], sparse: space[n : 2*n]}
	next := set{dense: space[2*n : 3*n], sparse: space[3*n : 4*n]}
	here.add(0)
	for before := end; here.size > 0; {
		r, width := end, 0
		if text != "" {
			r, width = rune(text[0]), 1
			if r >= utf8.RuneSelf {
				r, width = utf8.DecodeRuneInString(text)
			}
		}
		matched := p.step(&here, &next, before, r)
		if r == end {
			return matched
		}
		text, before = text[width:], r
		here, next = next, here
		next.size = 0
	}
	return false
}

// step completes here, the instructions that stand between two code points, and puts into next
// those that follow when r is taken. It returns whether one of here matches.
func (p *Program) step(here, next *set, before, r rune) (matched bool) {
	holds := uint32(0)
	if p.asserts {
		holds = assertions(before, r)
	}
	for i := 0; i < here.size; i++ {
		in := &p.instructions[here.dense[i]]
		switch in.Op {
		case Match:
			matched = true
		case Rune:
			if r == rune(in.Arg) {
				next.add(in.Out)
			}
		case Class:
			if r != end && contains(p.classes[in.Arg], r) {
				next.add(in.Out)
			}
		case Either:
			here.add(in.Out)
			here.add(in.Arg)
		case Assert:
			if in.Arg&^holds == 0 {
				here.add(in.Out)
			}
		}
	}
	return matched
}

// A set has instructions in the order of their arrival. sparse has of each the place in dense,
// and of those that are not in the set any number.
type set struct {
	dense, sparse []uint16
	size          int
}

func (s *set) add(instruction uint32) {
	if i := int(s.sparse[instruction]); i < s.size && s.dense[i] == uint16(instruction) {
		return
	}
	s.dense[s.size], s.sparse[instruction] = uint16(instruction), uint16(s.size)
	s.size++
}

// contains says whether a class has r.
func contains(class []rune, r rune) bool {
	low, high := 0, len(class)/2
	for low < high {
		middle := (low + high) / 2
		switch {
		case r < class[2*middle]:
			high = middle
		case r > class[2*middle+1]:
			low = middle + 1
		default:
			return true
		}
	}
	return false
}

// assertions returns those that hold between two code points.
func assertions(before, after rune) (holds uint32) {
	if before == end {
		holds |= BeginText | BeginLine
	} else if before == '\n' {
		holds |= BeginLine
	}
	if after == end {
		holds |= EndText | EndLine
	} else if after == '\n' {
		holds |= EndLine
	}
	if isWord(before) != isWord(after) {
		return holds | WordBoundary
	}
	return holds | NoWordBoundary
}

// isWord says whether \w has r.
func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}
