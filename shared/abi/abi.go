// Package abi is the host ABI: the imports, exports and frames between the guest
// (worker, compiled to Wasm) and a host (worker.mjs on workerd, wasm/edge under
// wazero). It is the one package that both sides import.
//
// # Words
//
// A call is one request, or one alarm, that the guest works on: a positive
// number that the host chooses. An op is one asynchronous thing that a call
// waits for: a number that the guest chooses. A handle is a positive number
// under which the host keeps bytes until the guest takes them. An object is a
// live Durable Object: a number that is new at each construction, so that the
// guest never mistakes a new object for an old one. A conn is a WebSocket of one
// object: a number above 0, stable over hibernation.
//
// # The number of the ABI
//
// Every change of this package's rules gets a new Number, also an addition. The name
// of the guest's import module, Module, holds the number for which it was built.
// A host reads that name before it instantiates a guest: see CheckImports.
// docs/abi.md says what a host has to do.
//
// # The variables of the guest
//
// The import env returns them. StartVariable names the start of the server, or the version that was
// deployed: all instances since then have the same text, and no other has it. GOGC and GOMEMLIMIT are
// Go's own, and in the environment of the guest's process.
//
// # The guest imports, from Module
//
// All parameters and results are i32 unless noted. Pointers and lengths name
// the guest's linear memory; the host copies at once and keeps no view. No
// import throws or blocks, and none settles an op before it returns.
//
//	env(name, len)                    handle of a variable's text, followed by size; 0: there is none, or it is 0 or false
//	ready()                           the guest has booted
//	take(handle, ptr)                 copies the bytes of handle to ptr and forgets it
//	read(handle, ptr, n)              copies the next n bytes of handle to ptr, or those that are left
//	drop(handle)                      forgets it
//	op(call, op, kind, ptr, len)      starts an op; its frame depends on kind
//	write(call, ptr, len)             adds bytes to the body of the call's response, before those of
//	                                  respond; len 0 drops the bytes added before
//	respond(call, head, headLen, body, bodyLen)   the response of a call, once
//	forward(call, ptr, len)           an object completes the upgrade, or gets the request (Forward)
//	count(call, ptr, len)             a frame of package metric: what the call counted, before it responds;
//	                                  call 0: what the event counted that is running
//	overview()                        handle of the JSON of an Overview, followed by size
//	full()                            1 if this instance has grown so much that the host begins no
//	                                  new call in it, otherwise 0
//	again(call)                       returns 1 if the host begins the call anew in another instance,
//	                                  in which case the guest forgets it; otherwise 0. The host does that at
//	                                  most three times, for a GET or HEAD, and for a request with a body
//	                                  for which OpBody was not posted; for a request of an object only while
//	                                  that object has no other call
//
// The following imports act on the object whose event is running, and on that of a call for which
// object_acts returns 1. Otherwise they return 0, or do nothing. Results marked "handle" are followed by size.
//
//	size(handle)                      how many bytes take will copy
//	object_name()                     handle: class, a NUL, the name
//	object_acts(call)                 1 if the running export is one of that call, and the imports act on
//	                                  the call's object, as in an event: the call needs no OpEnter. A host
//	                                  may always return 0
//	object_exec(ptr, len)             handle of Results for Statements (as for OpD1), run as one
//	                                  transaction on the object's own SQLite; changes are those of
//	                                  rows, and not of indexes; a negative
//	                                  number is the handle of an error's text, negated
//	object_try(ptr, len)              as object_exec, and then undoes all that the statements wrote. In an
//	                                  object that has stored nothing, it leaves nothing behind
//	object_erase()                    deletes all that the object has stored, and its alarm, when the event
//	                                  has ended. The event must not use object_exec afterwards
//	object_size()                     how much the object has stored, in units of 1,024 bytes
//	object_conns()                    handle of Conns: the open sockets; in EventClose also the one that closes
//	object_send(conns, n, kind, ptr, len)  to n conns (u32 each), or to all if n is 0;
//	                                  kind is KindText or KindBinary; returns how many
//	object_close(conn, code, ptr, len)     with a reason of at most 123 bytes
//	object_attach(conn, ptr, len)     stores bytes for conn over hibernation, under 2,000
//	object_alarm(f64 millis)          replaces the alarm (Unix time); 0 removes it
//	object_timer(f64 millis, holds)   brings EventTimer once, that much later, unless a timer is
//	                                  set already. The object does not hibernate before; the timer
//	                                  outlives the instance that asked for it. If holds is 1, the host
//	                                  may hold the messages of the object's sockets until any other event
//	                                  of the object, and then brings them first: see EventMessages
//	object_timer_set()                1 if a timer is set, otherwise 0
//	object_autoreply(ping, pingLen, pong, pongLen)  the host replies pong to the text ping, without waking the object
//	object_reply(ptr, len)            the reply to EventCall
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
//	boot()                            the guest reads its variables, and calls ready: once, before all others but inbox
//	request(call, head, headLen, length)  a Request. Its body stays with the host until OpBody asks for it:
//	                                  length is 0 if there is none, -1 if it is not announced
//	object_request(call, object, head, headLen, length, data, dataLen)  request, for a request that the
//	                                  Worker forwarded to an object: the bytes are Forward's attachment. Its
//	                                  body is what the Worker did not take
//	alarm(call, object)               an object's alarm; respond 200, or any other status to be tried again
//	settle(op, ok, handle, len)       the result of an op; handle 0 is no bytes; ok 0: an error's text
//	cancel(call)                      the call has outlived its limit
//	event(object, event, conn, handle, len)      see Event; never blocks
//
// While a request or an alarm of an object is under way, the object stays in its
// instance. If that instance is full, the host begins no new one there: it waits
// until those that are under way are finished, and then constructs the object anew.
//
// Each of these exports returns 1 if the host has to call the runtime's resume before the next export:
// goroutines are ready, or the collector has work. A host may also call it after each export.
//
//	inbox()                           the address of InboxBytes bytes, the same as long as the instance
//	                                  lives. The host may write bytes for the next export there, instead
//	                                  of keeping them, and passes handle 0 with their length: the head of a
//	                                  request, the result of an op, or the bytes of an event
//
// A call is finished when the guest has responded and none of its ops is under way.
//
// # Bodies
//
// The guest decides by the head how much the client may send. Only then it posts
// OpBody, once. If a body of unknown length is longer than that limit, the guest may
// post OpBody once more, with a greater limit. Before the first OpBody the host reads
// none of the body. OpBody returns the whole body, of its announced length. The host
// allocates memory for the bytes that have arrived, not for the announced length. It
// gives up a body that stalls for BodyStallMillis, or that brings fewer than BodyFloor
// bytes a second after that time. If the instance of a call ends after OpBody, the
// host does not replay the call.
//
// Many clients send their whole body before they read the response. So the host
// reads and drops the rest of a body that the guest did not take, within
// bounds: eight times LIMIT_BODY_BYTES or 1 MiB, whichever is more, for at most
// LIMIT_CALL_MS, and no slower than a body that the guest takes. On workerd the
// isolate also bounds how fast it drops all bodies together (body.mjs).
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
	// OpEnter delivers EventEnter to the object whose request or alarm the call is,
	// with the op's number as conn, in that object's context. No frame, no result.
	OpEnter Op = 3
	// OpSleep waits. Frame: f64 milliseconds. No result.
	OpSleep Op = 4
	// OpBody brings the request's body. Frame: u32, how many bytes it may have.
	// Result: the bytes. Errors: BodyTooLarge, BodyIncomplete, BodySlow. It may be posted
	// again after BodyTooLarge if that limit was BodyKept or less, and no length announced.
	OpBody Op = 5
	// OpFetch sends a request to another server. Frame: Fetch. Result: Fetched.
	// It fails if there is no response in time, if the response is too long, and if
	// the URL is neither https, nor http of a loopback host (with DEV_MODE, of any).
	OpFetch Op = 6
	// OpVerify says whether a public key made a signature. Frame: Signature. Result: the byte 1, or none
	// if it did not.
	OpVerify Op = 7
)

// The texts of OpBody's errors.
const (
	BodyTooLarge   = "the body is over the limit"
	BodyIncomplete = "the body is incomplete"
	BodySlow       = "the body came too slowly"
)

// InboxBytes is the size of the guest's inbox.
const InboxBytes = 16 << 10

// BodyKept is how many bytes the host keeps of a body that was too large, for a second OpBody.
const BodyKept = 64 << 10

// The limits of a slow body.
const (
	BodyStallMillis = 10_000
	BodyFloor       = 1024 // bytes a second
)

// An Event is the kind of an object's event.
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
	// EventEnter: the OpEnter with the number conn may run.
	EventEnter Event = 6
	// EventTimer: the time of object_timer has passed.
	EventTimer Event = 7
	// EventMessages: conns sent several messages while a timer of the object held them. The bytes
	// are AppendMessages, of at most MaxHeldBytes in all, in the order in which they came. If the
	// instance ends in this event, the host closes the sockets of all of them.
	EventMessages Event = 8
)

// The kinds of a socket's message.
const (
	KindText   = 1
	KindBinary = 2
)

// MaxHeldBytes bounds the messages of an EventMessages together, each with 9 bytes more.
const MaxHeldBytes = 64 << 10

// Limits of production D1 and Durable Objects. The wazero host enforces them, too.
// Cloudflare docs, D1 limits and Durable Objects limits.
const (
	MaxParams        = 100
	MaxValueBytes    = 2_000_000
	MaxSQLBytes      = 100_000
	MaxFunctionArgs  = 32
	MaxCompoundTerms = 5
	MaxAttachment    = 2_000
	MaxMessageBytes  = 32 << 20
)
