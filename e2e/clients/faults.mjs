// The dice of the random tests, and the faults of their networks.
import assert from "node:assert/strict";

// dice returns a function that returns a random integer from 0 to n-1 (mulberry32).
export function dice(seed) {
  let a = Math.imul(seed, 0x9e3779b1);
  return (n) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const lost = () => Promise.reject(new TypeError("the network failed"));

// The faults of a network. Each gets a function that delivers the request, and the list of
// requests to deliver later.
export const faults = {
  lost,
  unheard: (deliver) => deliver().then(lost),
  twice: (deliver) => deliver().then(deliver),
  late: (deliver, later) => (later.push(deliver), lost()),
  "heard again": (deliver, later) => (later.push(deliver), deliver()),
};

// hear waits for the whole response, whose status must be 200.
export async function hear(url, init) {
  const answer = await fetch(url, init);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return new Response(text, answer);
}
