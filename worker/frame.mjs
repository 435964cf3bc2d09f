// The frames of the host ABI in JavaScript; package shared/abi documents them.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const encode = (text) => encoder.encode(text);
export const encodeInto = (text, bytes) => encoder.encodeInto(text, bytes).written;
export const decode = (bytes) => decoder.decode(bytes);

const GREAT = 4096; // bytes
const SHORT = 32; // units of UTF-16, up to which a loop is faster than the encoder
export const UTF8_TIMES = 3; // bytes of UTF-8 that a unit of UTF-16 takes at most
const NULL = 0, NUMBER = 1, TEXT = 2, BLOB = 3, FAR_TEXT = 6, FAR_BLOB = 7;

function joined(pieces, length) {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export class Reader {
  // memory, if there is one, has what the frame leaves there.
  constructor(bytes, memory) {
    this.bytes = bytes;
    this.memory = memory;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
  }

  byte() {
    return this.bytes[this.pos++];
  }

  u32() {
    this.pos += 4;
    return this.view.getUint32(this.pos - 4, true);
  }

  f64() {
    this.pos += 8;
    return this.view.getFloat64(this.pos - 8, true);
  }

  take(length) {
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  text() {
    return decode(this.take(this.u32()));
  }

  far() {
    const length = this.u32();
    const at = this.u32();
    return this.memory.subarray(at, at + length);
  }

  // joined copies the pieces that the rest of the frame names, one behind the other.
  joined() {
    const pieces = [];
    let length = 0;
    while (this.pos < this.bytes.length) length += pieces[pieces.push(this.far()) - 1].length;
    return joined(pieces, length);
  }

  rest() {
    return this.bytes.subarray(this.pos);
  }

  value() {
    switch (this.bytes[this.pos++]) {
      case NULL: return null;
      case NUMBER: return this.f64();
      case TEXT: return this.text();
      case BLOB: return this.take(this.u32()).slice();
      case FAR_TEXT: return decode(this.far());
      case FAR_BLOB: return this.far().slice();
    }
    throw new Error("malformed frame");
  }

  // statements returns [{sql, args}].
  statements() {
    return Array.from({ length: this.u32() }, () => ({
      sql: this.text(),
      args: Array.from({ length: this.u32() }, () => this.value()),
    }));
  }
}

// A Writer gathers a frame. Great values stay where they are: their next copy
// is into the guest's memory. Its first bytes may be lent, until the frame is done.
export class Writer {
  constructor(lent = null) {
    this.parts = [];
    this.length = 0; // of the parts, or of the lent bytes if they hold the whole frame
    this.lent = lent !== null;
    this.use(lent ?? new Uint8Array(1024));
  }

  use(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.used = 0;
  }

  open(size) {
    this.use(new Uint8Array(size));
  }

  push(bytes) {
    this.parts.push(bytes);
    this.length += bytes.length;
  }

  close() {
    this.push(this.lent ? this.bytes.slice(0, this.used) : this.bytes.subarray(0, this.used));
  }

  reserve(n) {
    if (this.used + n > this.bytes.length) {
      this.close();
      this.lent = false;
      this.open(Math.max(2 * this.bytes.length, n));
    }
    this.used += n;
    return this.used - n;
  }

  u32(n) {
    const at = this.reserve(4);
    this.view.setUint32(at, n, true);
  }

  f64(n) {
    const at = this.reserve(8);
    this.view.setFloat64(at, n, true);
  }

  data(bytes) {
    this.u32(bytes.length);
    if (bytes.length > GREAT) {
      this.close();
      this.push(bytes);
      this.use(this.bytes.subarray(this.used));
      return;
    }
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  text(text) {
    const most = 4 + text.length * UTF8_TIMES;
    if (most > GREAT) return this.data(encode(text));
    const at = this.reserve(most);
    const length = this.put(text, at + 4);
    this.view.setUint32(at, length, true);
    this.used = at + 4 + length;
  }

  // put writes a text at a place, and returns its length in bytes.
  put(text, at) {
    const { bytes } = this;
    if (text.length > SHORT) return encodeInto(text, bytes.subarray(at));
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return encodeInto(text, bytes.subarray(at));
      bytes[at + i] = unit;
    }
    return text.length;
  }

  tag(tag) {
    const at = this.reserve(1);
    this.bytes[at] = tag;
  }

  value(v) {
    if (v === null || v === undefined) this.tag(NULL);
    else if (typeof v === "number") this.tag(NUMBER), this.f64(v);
    else if (typeof v === "string") this.tag(TEXT), this.text(v);
    else this.tag(BLOB), this.data(new Uint8Array(v)); // an ArrayBuffer, or D1's array of numbers
  }

  // results takes [{changes, columns, rows}], rows being arrays.
  results(results) {
    this.u32(results.length);
    for (const { changes, columns, rows } of results) {
      this.f64(changes);
      this.u32(columns.length);
      for (const column of columns) this.text(column);
      this.u32(rows.length);
      for (const row of rows) for (const cell of row) this.value(cell);
    }
    return this.done();
  }

  // fetched takes the head of an answer, and the parts of its body.
  fetched(head, body) {
    this.data(encode(head));
    this.close();
    for (const part of body) this.push(part);
    this.open(0);
    return this.done();
  }

  // whole returns the frame in one piece.
  whole() {
    return this.parts.length === 1 ? this.parts[0] : joined(this.parts, this.length);
  }

  // done returns the frame, for Guest.hand or Guest.keep.
  done() {
    if (this.lent && this.parts.length === 0) this.length = this.used;
    else this.close(), (this.lent = false);
    return this;
  }
}
