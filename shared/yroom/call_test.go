package yroom

import "testing"

// RFC 9110, 13.1.2: a list of tags, compared weakly, or *.
func TestAnAskerMayHaveOneOfSeveralTags(t *testing.T) {
	disk := &fake{meta: Meta{Seeded: true}}
	disk.write(Write{Row: &Row{N: 1, First: 1, Pieces: 1, Bytes: (&author{id: 1}).typing("a")}})
	r := New(DefaultConfig, disk, disk.stored(), nil, scriptStart)
	for _, c := range []struct {
		tags string
		want Status
	}{
		{``, StatusOK}, {`"0"`, StatusOK}, {`"0", "2"`, StatusOK}, {`"*"`, StatusOK},
		{`"1"`, StatusUnchanged}, {`W/"1"`, StatusUnchanged}, {`"0", W/"1" ,"2"`, StatusUnchanged}, {`*`, StatusUnchanged},
	} {
		p, err := r.call(Request{Op: OpState, ETag: c.tags}, scriptStart)
		if err != nil || p.Status != c.want || p.ETag != "1" {
			t.Errorf("%s: %+v, %v, want status %d", c.tags, p, err, c.want)
		}
	}
}
