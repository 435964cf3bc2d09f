// What a document has and the server may lack. The server stores an edit before it sends it back (docs/protocol.md, Y4), and
// it begins each connection with what it has. So this follows the server's messages.
import { decodeStateVector, decodeUpdate, Skip, type Transaction } from "yjs";

type Range = [from: number, to: number];

/** The edits that the server has not shown to have: new items by their client's clock, and deleted ranges. */
export class Unacknowledged {
  #items = new Map<number, { has: number; wants: number }>();
  #deleted = new Map<number, Range[]>();

  get empty(): boolean {
    return this.#items.size + this.#deleted.size === 0;
  }

  /** Adds a transaction. The server has what was there before, or that has been added already. */
  add({ beforeState, afterState, deleteSet }: Transaction) {
    for (const [client, wants] of afterState) {
      const before = beforeState.get(client) ?? 0;
      if (wants > before) this.#items.set(client, { has: this.#items.get(client)?.has ?? before, wants });
    }
    for (const [client, items] of deleteSet.clients) {
      const ranges = items.map(({ clock, len }): Range => [clock, clock + len]);
      this.#deleted.set(client, [...(this.#deleted.get(client) ?? []), ...ranges]);
    }
  }

  /** Takes a message of y-protocols/sync from the server: its kind, and a state vector or an update. */
  hear(kind: number, payload: Uint8Array) {
    if (this.empty) return;
    if (kind === 0) {
      const has = decodeStateVector(payload);
      for (const [client, item] of this.#items) this.#has(client, (item.has = has.get(client) ?? 0));
      return;
    }
    const { structs, ds } = decodeUpdate(payload);
    for (const { id, length, constructor } of structs) {
      const item = this.#items.get(id.client);
      if (item !== undefined && constructor !== Skip && id.clock <= item.has) this.#has(id.client, Math.max(item.has, id.clock + length));
    }
    for (const [client, ranges] of this.#deleted) {
      let left = ranges;
      for (const { clock, len } of ds.clients.get(client) ?? []) left = left.flatMap((range) => without(range, clock, clock + len));
      if (left.length > 0) this.#deleted.set(client, left);
      else this.#deleted.delete(client);
    }
  }

  #has(client: number, has: number) {
    const item = this.#items.get(client)!;
    item.has = has;
    if (has >= item.wants) this.#items.delete(client);
  }
}

// without returns the parts of a range that are outside of from..to.
function without([start, end]: Range, from: number, to: number): Range[] {
  if (to <= start || from >= end) return [[start, end]];
  return ([[start, from], [to, end]] as Range[]).filter(([a, b]) => a < b);
}

/** Reads a message of y-websocket that is one of y-protocols/sync; null if it is another. */
export function syncMessage(bytes: Uint8Array): { kind: number; payload: Uint8Array } | null {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  if (number() !== 0) return null;
  const kind = number();
  const length = number();
  return { kind, payload: bytes.subarray(at, at + length) };
}
