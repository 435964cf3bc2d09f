import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits until a condition is true, and fails after millis. what describes the condition; it is a string, or a
 * function that returns one.
 */
export async function until(condition, what, millis = 600_000) {
  for (const end = Date.now() + millis; Date.now() < end; await sleep(10)) if (await condition()) return;
  assert.fail(`never: ${typeof what === "function" ? what() : what}`);
}
