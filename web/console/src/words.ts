// Numbers and times in words.
const numbers = new Intl.NumberFormat("en");

/** 12345 is "12,345". */
export const count = (n: number) => numbers.format(n);

/** "1 row", "2 rows". */
export const many = (n: number, one: string, several = `${one}s`) => `${count(n)} ${n === 1 ? one : several}`;

/** 1536 is "1.5 KiB". */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

/** A time of this machine's zone, with its seconds: "2026-03-01 14:05:09". Clients may send times that no date has. */
export function time(millis: number): string {
  const at = new Date(millis);
  if (!(Math.abs(millis) < 8.64e15 - 86_400_000)) return `${millis} ms`;
  return new Date(millis - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19).replace("T", " ");
}

/** "3 minutes", "2 days": the largest unit. */
export function duration(millis: number): string {
  const seconds = Math.max(0, Math.round(millis / 1000));
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]] as const) {
    if (seconds >= length) return many(Math.floor(seconds / length), unit);
  }
  return many(seconds, "second");
}
