//go:build js && wasm

package host

import (
	"context"
	"time"

	"tidemark/shared/abi"
)

// A Web reaches other servers, for the request of ctx.
type Web struct{}

// Fetch sends a request and returns the response, also one with an error status.
func (Web) Fetch(ctx context.Context, f abi.Fetch) (abi.Fetched, error) {
	b, err := do(ctx, abi.OpFetch, abi.AppendFetch(nil, f))
	if err != nil {
		return abi.Fetched{}, err
	}
	return abi.DecodeFetched(b)
}

// Verify says whether a key made a signature.
func (Web) Verify(ctx context.Context, s abi.Signature) (bool, error) {
	b, err := do(ctx, abi.OpVerify, abi.AppendSignature(nil, s))
	return len(b) == 1 && b[0] == 1, err
}

// Sleep calls the function Sleep.
func (Web) Sleep(ctx context.Context, d time.Duration) error { return Sleep(ctx, d) }
