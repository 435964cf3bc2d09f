package metric

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrFrame is the error of a malformed frame.
var ErrFrame = errors.New("metric: malformed frame")

// Append appends the frame of the import count: for each Count a byte with the metric, f64
// value, u32 length of the labels, and the labels.
func Append(b []byte, list []Count) []byte {
	for _, c := range list {
		b = append(b, byte(c.Metric))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(c.Value))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(c.Labels)))
		b = append(b, c.Labels...)
	}
	return b
}

// head is how long a Count is without its labels.
const head = 1 + 8 + 4

// Cut cuts the first Count off a frame. labels is a view of b.
func Cut(b []byte) (m Metric, value float64, labels, rest []byte, err error) {
	if len(b) < head || b[0] == 0 || Metric(b[0]) > LastOfGuest {
		return 0, 0, nil, nil, ErrFrame
	}
	m, value = Metric(b[0]), math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
	n := binary.LittleEndian.Uint32(b[9:])
	if uint64(n) > uint64(len(b)-head) {
		return 0, 0, nil, nil, ErrFrame
	}
	return m, value, b[head : head+n], b[head+n:], nil
}
