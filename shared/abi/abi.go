// Package abi is the host ABI: everything that the guest (worker, compiled to
// Wasm) and a host (worker.mjs on workerd, wasm/edge under wazero) say to each
// other. It is the one package that both sides import.
//
// # Words
//
// A call is one request, or one alarm, that the guest works on: a positive
// number that the host chooses. An op is one asynchronous thing that a call
// waits for: a number that the guest chooses. A handle is a positive number
// under which the host keeps bytes until the guest takes them. An object is a
// live Durable Object: a number that is new at each construction, so that what
// the guest remembers of an object never outlives it. A conn is a WebSocket of
// one object: a number above 0, stable over hibernation.
//
// # The number of the ABI
//
// Every change of what this package says gets a new Number, also one that only adds.
// The guest names the number that it was built for in the module of its imports, Module.
// A host reads that name before it instantiates a guest: see CheckImports.
// docs/abi.md says what a host has to do.
//
// # The guest imports, from Module
//
// All parameters and results are i32 unless noted. Pointers and lengths name
// the guest's linear memory; the host copies at once and keeps no view. No
// import throws or blocks, and none settles an op before it returns.
//
//	take(handle, ptr)                 copies the bytes of handle to ptr and forgets it
//	read(handle, ptr, n)              copies the next n bytes of handle to ptr, or those that are left
//	drop(handle)                      forgets it
//	op(call, op, kind, ptr, len)      starts an op; its frame depends on kind
//	write(call, ptr, len)             adds bytes to the body of the call's answer, before those of
//	                                  respond; len 0 drops what was added
//	respond(call, head, headLen, body, bodyLen)   the answer of a call, once
//	forward(call, ptr, len)           the answer is what a room answers to the upgrade (Forward)
//	full()                            1 if this instance has grown so much that the host begins no
//	                                  new call in it, otherwise 0
//	again(call)                       returns 1 if the host begins the call anew in another instance,
//	                                  in which case the guest forgets it; otherwise 0. The host does that at
//	                                  most three times, for a GET or HEAD, and for what has a body of
//	                                  which OpBody was not posted
//
// The following act on the object whose event is running. Outside of an event they
// return 0, or do nothing. Results marked "handle" are followed by size.
//
//	size(handle)                      how many bytes take will copy
//	object_name()                     handle: class, a NUL, the name
//	object_exec(ptr, len)             handle of Results for Statements (as for OpD1), run as one
//	                                  transaction on the object's own SQLite, whose changes may
//	                                  count those of indexes; a negative
//	                                  number is the handle of an error's text, negated
//	object_conns()                    handle of Conns: the open sockets; in EventClose also the one that closes
//	object_send(conns, n, kind, ptr, len)  to n conns (u32 each), or to all if n is 0;
//	                                  kind is KindText or KindBinary; returns how many
//	object_close(conn, code, ptr, len)     with a reason of at most 123 bytes
//	object_attach(conn, ptr, len)     what is remembered of conn over hibernation, under 2,000 bytes
//	object_alarm(f64 millis)          replaces the alarm (Unix time); 0 removes it
//	object_timer(f64 millis)          brings EventTimer once, that much later, unless a timer is
//	                                  set already. The object does not hibernate before; the timer
//	                                  outlives the instance that asked for it
//	object_timer_set()                1 if a timer is set, otherwise 0
//	object_autoreply(ping, pingLen, pong, pongLen)  a text that is answered without waking the object
//	object_reply(ptr, len)            the answer to EventCall
//	object_ends()                     how often an instance has ended in an event or alarm of
//	                                  this object, or the process while a long one ran, since
//	                                  object_forgive; it survives restarts
//	object_forgive()                  sets that count to 0
//
// From module TestModule a guest of our tests imports
//
//	handles()                         how many handles are alive
//
// # The guest exports
//
//	request(call, head, headLen, length)  a Request. Its body stays with the host until OpBody asks for it:
//	                                  length is 0 if there is none, -1 if it is not announced
//	alarm(call, object)               an object's alarm; respond 200, or any other status to be tried again
//	settle(op, ok, handle, len)       the result of an op; handle 0 is no bytes; ok 0: an error's text
//	cancel(call)                      the call has outlived its limit
//	event(object, event, conn, handle, len)      see Event; never blocks
//
// After every export the host calls the runtime's resume, or goroutines that
// the export made ready do not run. A call is finished when it has its answer
// and none of its ops is under way.
//
// # Bodies
//
// The guest decides by the head what the client may send, and only then asks for
// the body by OpBody, once; a body that announces no length, and has more than the guest
// asked for, once more, with a greater limit. Until then the host reads none of it. A body
// that OpBody brings is whole, and of its announced length. The host keeps what has
// arrived, and no room for what is only announced. It gives up a body that
// stalls for BodyStallMillis, or that brings fewer than BodyFloor bytes a
// second beyond that time. A call of which OpBody was posted is not replayed
// when its instance ends.
//
// Many clients send their whole body before they read the response. So the host
// reads and drops the rest of a body that the guest did not take, within
// bounds: eight times LIMIT_BODY_BYTES or 1 MiB, whichever is more, for at most
// LIMIT_CALL_MS, and as slowly as a body may come that the guest takes. On workerd
// the isolate also bounds how fast it drops all bodies together (body.mjs).
package abi

// An Op is the kind of an asynchronous operation.
type Op = int32

const (
	// OpD1 runs a batch as one transaction. Frame: the binding's name as a
	// text, then Statements, whose long arguments may stay in the guest's memory:
	// the host copies them at once, too. Result: Results.
	OpD1 Op = 1
	// OpCall sends bytes to a room and brings its reply. Frame: the binding's
	// name and the room's name as texts, then Pieces, which stay in the guest's
	// memory: the host copies them at once, too, and sends them as one.
	OpCall Op = 2
	// OpEnter delivers EventEnter to the object whose alarm the call is, with
	// the op's number as conn, in that object's context. No frame, no result.
	OpEnter Op = 3
	// OpSleep waits. Frame: f64 milliseconds. No result.
	OpSleep Op = 4
	// OpBody brings the request's body. Frame: u32, how many bytes it may have.
	// Result: the bytes. Errors: BodyTooLarge, BodyIncomplete, BodySlow. It may be posted
	// again after BodyTooLarge if that limit was BodyKept or less, and no length announced.
	OpBody Op = 5
	// OpFetch sends a request to another server. Frame: Fetch. Result: Fetched.
	// It fails if there is no answer in time, if the answer is too long, and if the
	// URL is neither https, nor http of a loopback host (with DEV_MODE, of any).
	OpFetch Op = 6
)

// The texts of OpBody's errors.
const (
	BodyTooLarge   = "the body is over the limit"
	BodyIncomplete = "the body is incomplete"
	BodySlow       = "the body came too slowly"
)

// BodyKept is how many bytes the host keeps of a body that was too large, for a second OpBody.
const BodyKept = 64 << 10

// How slowly a body may come.
const (
	BodyStallMillis = 10_000
	BodyFloor       = 1024 // bytes a second
)

// An Event is what happens to an object.
type Event = int32

const (
	// EventOpen: conn was accepted; the bytes are Forward's attachment.
	EventOpen Event = 1
	// EventText and EventBinary: conn sent the bytes.
	EventText   Event = 2
	EventBinary Event = 3
	// EventClose: conn is gone. The bytes are u16 code, then the reason.
	EventClose Event = 4
	// EventCall: the Worker sent the bytes (OpCall); the guest calls object_reply.
	EventCall Event = 5
	// EventEnter: OpEnter with that number asks to run; conn is the op.
	EventEnter Event = 6
	// EventTimer: what object_timer asked for.
	EventTimer Event = 7
)

// The kinds of a socket's message.
const (
	KindText   = 1
	KindBinary = 2
)

// What production D1 and Durable Objects allow, enforced by the wazero host
// too. Cloudflare docs, D1 limits and Durable Objects limits.
const (
	MaxParams        = 100
	MaxValueBytes    = 2_000_000
	MaxSQLBytes      = 100_000
	MaxFunctionArgs  = 32
	MaxCompoundTerms = 5
	MaxAttachment    = 2_000
	MaxMessageBytes  = 32 << 20
)
