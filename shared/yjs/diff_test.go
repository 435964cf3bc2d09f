package yjs_test

import (
	"testing"

	"tidemark/shared/yjs"
)

// Client 9 wrote abc, a surrogate pair and a format, client 7 a deleted text.
func TestDiffCutsAtTheStateVector(t *testing.T) {
	const rest7, deletes = "01 07 02 810701 03", "01 07 01 02 05"
	update := unhex(t, "02 03 09 00 0401017403616263 84090204f09f9880 8609040162 0474727565 "+rest7+deletes)
	for _, c := range []struct{ name, sv, want string }{
		{"nothing known", "00", "02 03 09 00 0401017403616263 84090204f09f9880 8609040162 0474727565" + rest7 + deletes},
		{"a clock of 0", "01 09 00", "02 03 09 00 0401017403616263 84090204f09f9880 8609040162 0474727565" + rest7 + deletes},
		{"one unit known", "01 09 01", "02 03 09 01 84090002 6263 84090204f09f9880 8609040162 0474727565" + rest7 + deletes},
		{"a struct known", "01 09 03", "02 02 09 03 84090204f09f9880 8609040162 0474727565" + rest7 + deletes},
		{"half a surrogate pair known", "01 09 04", "02 02 09 04 84090303efbfbd 8609040162 0474727565" + rest7 + deletes},
		{"all but the last known", "01 09 05", "02 01 09 05 8609040162 0474727565" + rest7 + deletes},
		{"all of one client known", "01 09 06", "01" + rest7 + deletes},
		{"more than there is known", "02 09 ffffffffffffff0f 07 05", "00" + deletes},
		{"the other client cut", "02 09 06 07 03", "01 01 07 03 810702 02" + deletes},
		{"a client twice, the last counts", "02 09 06 09 05", "02 01 09 05 8609040162 0474727565" + rest7 + deletes},
	} {
		got, err := yjs.DiffUpdate(update, unhex(t, c.sv))
		differs(t, c.name, got, unhex(t, c.want), err)
	}
	for _, sv := range []string{"", "01", "01 09", "01 09 00 00", "02 09 00", "ffffffffffffff0f 09 00", "01 09 ffffffffffffffff01"} {
		if got, err := yjs.DiffUpdate(update, unhex(t, sv)); err == nil {
			t.Errorf("state vector %s: got %x, want an error", sv, got)
		}
	}
}

func TestDiffCutsEveryContent(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"GC", "01 01 07 00 00 05 00", "01 01 07 02 00 03 00"},
		{"a leading Skip", "01 02 07 00 0a 05 00 01 00", "01 01 07 05 00 01 00"},
		{"Deleted", item(1, "05"), "01 01 07 02 81 07 01 03 00"},
		{"Deleted map value keeps its flag", "01 01 07 00 21 01 01 74 01 6b 05 00", "01 01 07 02 a1 07 01 03 00"},
		{"JSON", item(2, "03 0131 0132 0133"), "01 01 07 02 82 07 01 01 0133 00"},
		{"Any", item(8, "03 7e 7501 79 770161"), "01 01 07 02 88 07 01 01 770161 00"},
		{"an inherited map key loses its flag", "01 01 07 00 a8 05 01 03 7e 7f 78 00", "01 01 07 02 88 07 01 01 78 00"},
		{"a right origin stays", "01 01 07 00 44 05 01 03 616263 00", "01 01 07 02 c4 07 01 05 01 01 63 00"},
	} {
		got, err := yjs.DiffUpdate(unhex(t, c.in), unhex(t, "01 07 02"))
		differs(t, c.name, got, unhex(t, c.want), err)
	}
}

func TestStateVectorCountsFromZeroToTheFirstGap(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "00 00", "00"},
		{"from 0", "01 02 07 00 00 02 00 03 00", "01 07 05"},
		{"not from 0", "01 01 07 01 00 02 00", "00"},
		{"a gap", "01 03 07 00 00 02 0a 03 00 04 00", "01 07 02"},
		{"a Skip first", "01 02 07 00 0a 02 00 03 00", "00"},
		{"two clients", "02 01 09 00 00 02 01 07 00 00 01 00", "02 09 02 07 01"},
		{"deletes alone", "00 01 07 01 00 05", "00"},
	} {
		got, err := yjs.StateVectorFromUpdate(unhex(t, c.in))
		differs(t, c.name, got, unhex(t, c.want), err)
	}
}
