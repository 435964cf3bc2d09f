package yjs_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"tidemark/shared/lib0"
	"tidemark/shared/yjs"
)

// seededDoc returns the document to which the tests apply hostile updates.
func seededDoc(t testing.TB) *yjs.Doc {
	d := yjs.New(yjs.Options{})
	if err := d.Load(unhex(t, "01 02 05 00 04 01 04 74657874 05 68656c6c6f 28 01 03 6d6170 01 6b 01 77 01 61 00")); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHostileUpdatesDoNoHarm(t *testing.T) {
	for _, c := range readCases[hostileCase](t, "hostile.jsonl.gz") {
		if c.V != 1 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			d := seededDoc(t)
			before, _ := d.EncodeStateAsUpdate(nil)
			start, held := time.Now(), allocated()
			_, err := d.Apply(c.B64)
			took, grew := time.Since(start), allocated()-held
			if took > time.Minute || grew > 1<<16+64*uint64(len(c.B64)) {
				t.Errorf("%d bytes took %v and %d bytes of memory", len(c.B64), took, grew)
			}
			after, encodeErr := d.EncodeStateAsUpdate(nil)
			if encodeErr != nil {
				t.Fatal(encodeErr)
			}
			if err != nil && !bytes.Equal(before, after) {
				t.Errorf("refused, %v, but state\ngot  %x\nwant %x", err, after, before)
			}
			var reason *lib0.Error
			if err != nil && !errors.As(err, &reason) && !errors.Is(err, yjs.ErrNesting) && !errors.Is(err, yjs.ErrSteps) && !errors.Is(err, yjs.ErrPending) {
				t.Errorf("error without offset or reason: %v", err)
			}
			if err == nil && c.Yjs.R == "throws" {
				t.Errorf("accepted, but yjs throws")
			}
			t.Logf("%v; yjs: %s %s", err, c.Yjs.R, c.Yjs.R)
		})
	}
}
