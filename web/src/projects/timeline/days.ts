// Dates as numbers: a day is the number of days since 1970-01-01. A date has no time zone, so UTC reckons them all.

/** The number of a day since 1970-01-01. */
export type Day = number;

const millis = 86_400_000;

/** Returns the day of a date like 2026-02-28, or null if there is no such date. */
export function parseDay(text: string): Day | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const time = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) return null; // 2026-02-30
  return time / millis;
}

/** The day that a clock on the wall shows. */
export const dayOf = (now: Date): Day => Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) / millis;

export const dateOf = (day: Day) => new Date(day * millis);

/** Returns the ISO weekday: 1 is Monday, 7 Sunday. */
export const weekday = (day: Day) => ((((Math.floor(day) + 3) % 7) + 7) % 7) + 1;

/** Returns the first day of a month. Months before 0 and after 11 are those of other years. */
export function firstOfMonth(year: number, month: number): Day {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1); // Date.UTC reads the years 0 to 99 as 1900 to 1999
  return date.getTime() / millis;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Returns a day as text, such as "2 Mar 2026". */
export function format(day: Day, options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" }): string {
  const key = JSON.stringify(options);
  let made = formats.get(key);
  if (made === undefined) formats.set(key, (made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" })));
  return made.format(dateOf(Math.floor(day)));
}
