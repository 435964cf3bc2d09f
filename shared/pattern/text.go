package pattern

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// The text of a program is base64, without padding, of these bytes. A number is a varint.
//
//	classes:       their number; of each the number of its ranges; of each range how many code
//	               points are left out before it, and how many follow its first
//	instructions:  their number; of each what an instruction has
//	an instruction: one byte from 0x20 to 0x7f: it is Rune, takes that byte and goes on to the
//	               instruction after it. Else a byte of Op, plus onward if it does so; then Arg,
//	               unless the operation is Fail or Match; then Out, if it does not
const (
	onward    = 8
	firstByte = 0x20
	lastByte  = 0x7f
)

// MarshalText returns the text that UnmarshalText reads. Equal programs have equal texts.
func (p *Program) MarshalText() ([]byte, error) {
	b := binary.AppendUvarint(nil, uint64(len(p.classes)))
	for _, class := range p.classes {
		b = binary.AppendUvarint(b, uint64(len(class)/2))
		next := rune(0)
		for i := 0; i < len(class); i += 2 {
			b = binary.AppendUvarint(b, uint64(class[i]-next))
			b = binary.AppendUvarint(b, uint64(class[i+1]-class[i]))
			next = class[i+1] + 1
		}
	}
	b = binary.AppendUvarint(b, uint64(len(p.instructions)))
	for i, in := range p.instructions {
		ahead := int(in.Out) == i+1
		if in.Op == Rune && ahead && firstByte <= in.Arg && in.Arg <= lastByte {
			b = append(b, byte(in.Arg))
			continue
		}
		if ahead {
			b = append(b, byte(in.Op)|onward)
		} else {
			b = append(b, byte(in.Op))
		}
		if in.Op != Fail && in.Op != Match {
			b = binary.AppendUvarint(b, uint64(in.Arg))
			if !ahead {
				b = binary.AppendUvarint(b, uint64(in.Out))
			}
		}
	}
	return base64.RawStdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads the text of MarshalText. It returns an error for any other text.
func (p *Program) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return errors.New("program of a pattern: it is no base64")
	}
	r := reader{rest: b}
	classes := r.classes()
	instructions := r.instructions()
	if r.failed || len(r.rest) > 0 {
		return errors.New("program of a pattern: it is cut short, or has too much")
	}
	read, err := New(instructions, classes)
	if err != nil {
		return errors.New("program of a pattern: it has " + err.Error())
	}
	*p = *read
	return nil
}

// A reader reads numbers until one is invalid. Then it has failed, and all further are 0.
type reader struct {
	rest   []byte
	failed bool
}

// number returns a number from 0 to limit.
func (r *reader) number(limit int) int {
	v, size := binary.Uvarint(r.rest)
	if size <= 0 || v > uint64(limit) {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return int(v)
}

func (r *reader) classes() (classes [][]rune) {
	for range r.number(MaxInstructions) {
		class := []rune{}
		next := 0
		for range r.number(MaxRanges) {
			first := next + r.number(maxRune)
			last := first + r.number(maxRune)
			if last > maxRune {
				r.failed, r.rest = true, nil
			}
			if r.failed {
				return nil
			}
			class = append(class, rune(first), rune(last))
			next = last + 1
		}
		classes = append(classes, class)
	}
	return classes
}

func (r *reader) instructions() (instructions []Instruction) {
	for i := range r.number(MaxInstructions) {
		code := r.number(lastByte)
		if r.failed {
			return nil
		}
		in := Instruction{Op: Op(code &^ onward)}
		switch {
		case code >= firstByte:
			in = Instruction{Rune, uint32(i + 1), uint32(code)}
		case in.Op == Fail || in.Op == Match:
		default:
			in.Arg = uint32(r.number(maxRune))
			if in.Out = uint32(i + 1); code&onward == 0 {
				in.Out = uint32(r.number(MaxInstructions))
			}
		}
		instructions = append(instructions, in)
	}
	return instructions
}
