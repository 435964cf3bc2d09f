// Package api is Tidemark over HTTP: one portable http.Handler.
//
// The route table (routes.go) has every route with its method, path, name,
// permission and handler. Its sections stand for the forms of errors:
//
//	/healthz              {"status":"ok"}, open to all
//	/readyz               whether the databases take writes, open to all
//	/dev/login            a token for a name, in development only
//	/trpc/…               tRPC: sync.pull and sync.push (package records)
//	/api/v1/…             projects: REST and a copy to pull (package projects)
//	/yjs/…                Yjs documents (package documents)
//	/sync/…               WatermelonDB's turbo pull, checksum, one row, notifications, the operator's restore and purge (package records)
//	/auth/…               tickets for WebSockets, and revocations
//
// Package door has what all routes share. Every request but health, the
// documentation of projects and CORS preflights needs a token. Errors have tRPC's form below /trpc,
// are RFC 9457 problems below /api/v1/, and {"error":{"code":"NAME","message":"…",…}}
// elsewhere.
//
// The handler keeps no lock over a call to its ports and starts no goroutine,
// as the guest needs it.
package api
