// Package door is the common part of all routes of the API: the identity of the
// caller (Identify), the caller's permissions and rate limits (Call.Permit, Limiter),
// the body and the query of a request, the memory that it uses (Hold, Keep),
// failures, CORS, the settings, and the types of the route table.
//
// A route returns a *Failure, an error that Explain knows, or any other error,
// which is internal. A Section writes it in the form of its dialect: Refuse writes
// {"error":{"code":"NAME","message":"…"}}, the tRPC routes and the projects have
// forms of their own.
//
// A Door holds no lock while it calls its ports, and starts no goroutine. These are
// the rules of the guest.
package door
