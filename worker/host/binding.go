//go:build js && wasm

package host

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/syumai/workers/cloudflare/d1"

	"tidemark/shared/abi"
	"tidemark/shared/web"
)

// wholeBytes is the length up to which the guest reads a result in one piece.
const wholeBytes = 256 << 10

// A D1 is a database by the name of its binding.
type D1 string

// Check returns an error if the host has no database of that name. It
// needs no request.
func (d D1) Check() error {
	if _, err := d1.OpenConnector(string(d)); errors.Is(err, d1.ErrDatabaseNotFound) {
		return fmt.Errorf("the binding %s is missing: wrangler.toml must have it in [[d1_databases]]", d)
	} else if err != nil {
		return fmt.Errorf("%s: %w", d, err)
	}
	return nil
}

// Batch runs statements as one transaction, for the request of ctx.
func (d D1) Batch(ctx context.Context, statements []abi.Statement) ([]abi.Result, error) {
	frame, err := abi.AppendStatements(abi.AppendText(nil, string(d)), statements, address)
	if err != nil {
		return nil, err
	}
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	w := c.start(abi.OpD1, frame, nil)
	runtime.KeepAlive(statements) // the frame has addresses of their arguments
	r := w.result()
	if r.err != nil {
		return nil, r.err
	}
	return r.results()
}

// results decodes Results: short ones as a whole, others piece by piece.
func (r result) results() ([]abi.Result, error) {
	if r.size <= wholeBytes {
		b, _ := r.take()
		return abi.DecodeResults(b)
	}
	defer r.drop()
	return abi.ReadResults(int(r.size), func(b []byte) { hostRead(r.handle, pointer(b), int32(len(b))) })
}

// Rooms reaches Durable Objects by the name of their class's binding.
type Rooms struct{}

// Call sends data to a room and waits for its reply. While it waits, it does not hold
// data.
func (Rooms) Call(ctx context.Context, binding, room string, data ...[]byte) ([]byte, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	w := c.start(abi.OpCall, callFrame(binding, room, data...), nil)
	runtime.KeepAlive(data) // the frame has their addresses
	return w.result().take()
}

// Publish sends data to a room and does not wait. The host finishes it after the
// response. The instance logs a failure.
func (Rooms) Publish(ctx context.Context, binding, room string, data []byte) {
	c, err := callOf(ctx)
	if err != nil {
		logf("publish to %s: %v", room, err)
		return
	}
	c.post(abi.OpCall, callFrame(binding, room, data))
	runtime.KeepAlive(data)
}

func callFrame(binding, room string, data ...[]byte) []byte {
	return abi.AppendPieces(abi.AppendText(abi.AppendText(nil, binding), room), data, address)
}

// Forward hands r to an object: an upgrade, which the object completes, or a request that
// its Server serves. The host drops the bytes that the handler writes.
func (Rooms) Forward(_ web.ResponseWriter, r *web.Request, f abi.Forward) error {
	c, err := callOf(r.Context())
	if err != nil {
		return err
	}
	c.forward = &f
	return nil
}
