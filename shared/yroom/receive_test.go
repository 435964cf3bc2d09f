package yroom

import "testing"

func TestAnEmptyMessageIsMalformed(t *testing.T) {
	r, conn := crowd(t, 0, "")
	r.Connect(conn, Admission{Write: true}, scriptStart)
	out, err := r.Receive(conn, nil, scriptStart)
	if err != nil || len(out.Close) != 1 || out.Close[0].Code != CloseMalformed {
		t.Errorf("%+v, %v", out, err)
	}
}
