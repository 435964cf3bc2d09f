// Package trpc is the server's side of tRPC over HTTP. It turns a request into calls
// with raw JSON inputs, and raw JSON results into a response. It understands single
// calls, batches and the lines of httpBatchStreamLink, and POST for a query (the
// client's methodOverride).
//
// There is no transformer: inputs and outputs are plain JSON. A client that
// sets superjson, or any other transformer, is not supported.
//
// The source of every rule is the behaviour of @trpc/client and @trpc/server 11.25.2.
package trpc
