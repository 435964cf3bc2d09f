// The messages of an object's sockets that its timer holds. They reach the guest in one event, so
// that it stores them in one transaction: the disk takes longer for each than everything else.
import { Writer } from "./frame.mjs";

const MAX_HELD_BYTES = 64 << 10; // as package abi says
const HEAD = 9; // bytes of a message's head in the frame

export class Held {
  messages = []; // {conn, kind, bytes}
  bytes = 0; // of the frame

  // fits says whether the message belongs behind the others. A longer one goes by itself.
  fits(bytes) {
    return this.bytes + HEAD + bytes.length <= MAX_HELD_BYTES;
  }

  add(conn, kind, bytes) {
    this.messages.push({ conn, kind, bytes });
    this.bytes += HEAD + bytes.length;
  }

  // take returns the messages, and forgets them.
  take() {
    const { messages } = this;
    this.messages = [];
    this.bytes = 0;
    return messages;
  }
}

// frameOf is AppendMessages of package abi.
export function frameOf(messages) {
  const writer = new Writer();
  for (const { conn, kind, bytes } of messages) {
    writer.u32(conn);
    writer.tag(kind);
    writer.data(bytes);
  }
  return writer.done();
}
