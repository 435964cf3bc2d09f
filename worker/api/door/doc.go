// Package door has what every route of the API needs: who the caller is
// (Identify), what the caller may do and how often (Call.Permit, Limiter), the body
// and the query of a request, the memory that it takes (Hold, Keep), failures,
// CORS, the settings, and the types of the route table.
//
// A route returns a *Failure, an error that Explain knows, or any other error,
// which is internal. A Section writes it in the form of its dialect: Refuse writes
// {"error":{"code":"NAME","message":"…"}}, the tRPC routes and the projects have
// forms of their own.
//
// A Door keeps no lock over a call to its ports and starts no goroutine, as the
// guest wants.
package door
