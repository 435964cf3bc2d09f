//go:build !js

package edge

import (
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"regexp"
	"testing"
	"time"

	"tidemark/shared/yproto"
)

// docs/protocol.md, H8: a client meets the same limits on both hosts.
func TestBothHostsHaveTheLimitsOfASocketOfSeveralDocuments(t *testing.T) {
	source, err := os.ReadFile("../../worker/several.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{
		"MAX_LANES": maxLanes, "MAX_WAITING": maxWaiting, "MAX_WAITING_COUNT": maxWaitingCount, "MAX_STRANGERS_WAITING": maxStrangersWaiting,
		"MAX_DENIALS": maxDenials, "MAX_TOKEN": maxToken, "MAX_ADDRESS": yproto.MaxAddressBytes, "CLOSE_AGAIN": closeAgain,
		"LET_IN_WITHIN_MS": int64(letInWithin / time.Millisecond), "PONG_EVERY_MS": int64(pongEvery / time.Millisecond),
	} {
		found := regexp.MustCompile(`(?m)^const ` + name + ` = ([^;]*);`).FindSubmatch(source)
		if found == nil {
			t.Errorf("several.mjs has no %s", name)
			continue
		}
		v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, string(found[1]))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, _ := constant.Int64Val(v.Value); got != want {
			t.Errorf("%s is %d, and on this host %d", name, got, want)
		}
	}
}
