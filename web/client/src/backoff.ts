/** The longest wait of setTimeout(). */
export const longestTimerMillis = 2 ** 31 - 1;

/** Returns the wait after the n-th failure: base * 2^(n-1), at most limit, times a random 0.75 to 1.25. */
export function backoff(failures: number, baseMillis: number, limitMillis: number, random = Math.random()): number {
  return Math.min(limitMillis, baseMillis * 2 ** Math.min(failures - 1, 30)) * (0.75 + random / 2);
}
