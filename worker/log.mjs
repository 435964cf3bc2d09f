// The log, as one object of JSON a line, and the headers by which a request is found in it.
// Package shared/abi says which are valid.

const REQUEST_ID = /^[\w.~:+/=@-]{1,128}$/;
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[\w.~:+/=@-]{0,72})?$/;

const print = (level, msg, fields) => JSON.stringify({ level, msg, ...fields });

export const info = (msg, fields) => console.log(print("INFO", msg, fields));
export const error = (msg, fields) => console.error(print("ERROR", msg, fields));

// A Trace is the id of a request: the caller's, if that is valid, or a new one. parent is a valid
// traceparent, or null.
export class Trace {
  constructor(headers) {
    const id = headers.get("x-request-id");
    this.id = id !== null && REQUEST_ID.test(id) ? id : crypto.randomUUID();
    const parent = headers.get("traceparent");
    const match = parent === null ? null : TRACEPARENT.exec(parent);
    this.parent = match !== null && (match[1] !== "00" || match[2] === undefined) ? parent : null;
  }

  // fields are what lines of the log and problems say of the request.
  get fields() {
    return this.parent === null ? { request_id: this.id } : { request_id: this.id, traceparent: this.parent };
  }

  // mark makes headers those of the request to an object.
  mark(headers) {
    headers["x-request-id"] = this.id;
    if (this.parent !== null) headers.traceparent = this.parent;
  }
}
