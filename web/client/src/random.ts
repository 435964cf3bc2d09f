// Random bytes, also where there is no crypto.
import { randomId } from "@nozbe/watermelondb/utils/common/index.js";

/**
 * Fills an array with random bytes. Without `crypto`, as in React Native, they come from the generator of WatermelonDB's record
 * ids: an id has 95 bits, and its native module asks the system for them. Math.random() alone would not do. Hermes has
 * 31 bits of state for it, so that two of 50,000 devices begin with the same ids.
 */
export function getRandomValues<Bytes extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: Bytes): Bytes {
  if (typeof globalThis.crypto?.getRandomValues === "function") return crypto.getRandomValues(array);
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at += 8) bytes.set(hash(randomId()).subarray(0, bytes.length - at), at);
  return array;
}

// hash makes 8 bytes of a text, by two FNV-1a hashes.
function hash(text: string): Uint8Array {
  const hashes = new Uint32Array([0x811c9dc5, 0x9747b28c]);
  for (let i = 0; i < text.length; i++) {
    for (let h = 0; h < 2; h++) hashes[h] = Math.imul(hashes[h]! ^ (text.charCodeAt(i) + h * i), 0x01000193);
  }
  return new Uint8Array(hashes.buffer);
}
