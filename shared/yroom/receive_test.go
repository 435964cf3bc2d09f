package yroom

import (
	"testing"

	"tidemark/shared/abi"
	"tidemark/shared/room"
)

func TestAnEmptyMessageIsMalformed(t *testing.T) {
	r, conn := crowd(t, 0, "")
	r.Connect(conn, Admission{Write: true}, scriptStart)
	out, err := r.Message(conn, abi.KindBinary, nil, scriptStart)
	if err != nil || len(out.Close) != 1 || out.Close[0].Code != room.CloseMalformed {
		t.Errorf("%+v, %v", out, err)
	}
}
