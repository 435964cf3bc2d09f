// The axis of time: how wide a day is, and where ticks and days off are. A position x is in pixels from the start of today,
// so it stays the same when the project grows at its other end.
import type { Workdays } from "./calendar.ts";
import { dateOf, firstOfMonth, format, type Day } from "./days.ts";

export const zooms = { fit: "Whole project", days: "Days", weeks: "Weeks", months: "Months" };
export type Zoom = keyof typeof zooms;

export interface Scale {
  today: Day;
  pixelsPerDay: number;
  /** The positions of the sheet's left and right edge. */
  left: number;
  right: number;
}

const fixed = { days: 32, weeks: 10, months: 3 };
const widest = 40; // pixels of a day
const longest = 4_000_000; // pixels of a sheet; browsers draw no more than 17 million

/** Returns how the range fits into a view. A long range gets a wider sheet, which scrolls. right is free space for text behind bars. */
export function scaleOf(range: { start: Day; end: Day } | null, today: Day, zoom: Zoom, view: { width: number; right: number }): Scale {
  const { start, end } = extended(range, today);
  const days = end - start;
  const margin = 16;
  const fit = Math.min(widest, Math.max((view.width - view.right - 2 * margin) / days, narrowest(days)));
  const pixelsPerDay = Math.min(zoom === "fit" ? fit : fixed[zoom], longest / days);
  const left = (start - today) * pixelsPerDay - margin;
  return { today, pixelsPerDay, left, right: Math.max(left + view.width, (end - today) * pixelsPerDay + margin + view.right) };
}

// narrowest is the least width of a day at which bars of a project of that length can be told apart.
const narrowest = (days: number) => (days <= 45 ? 12 : days <= 400 ? 3 : days <= 4000 ? 0.75 : 0.1);

// extended includes today, if it is near.
function extended(range: { start: Day; end: Day } | null, today: Day): { start: Day; end: Day } {
  if (range === null) return { start: today - 1, end: today + 27 };
  const near = Math.max(14, (range.end - range.start) / 4);
  return {
    start: today < range.start && range.start - today <= near ? today : range.start,
    end: today >= range.end && today - range.end <= near ? today + 1 : Math.max(range.end, range.start + 1),
  };
}

export const xOf = ({ today, pixelsPerDay }: Scale, day: Day) => (day - today) * pixelsPerDay;
export const dayAt = ({ today, pixelsPerDay }: Scale, x: number): Day => today + x / pixelsPerDay;

export interface Tick {
  x: number;
  label: string;
}

interface Step {
  /** The least distance of two ticks, in days, and in pixels that the label needs. */
  days: number;
  pixels: number;
  label(day: Day): string;
  /** Returns the n-th day with a tick, and which n a day has at most. */
  nth(n: number): Day;
  indexOf(day: Day): number;
}

const year = (day: Day) => dateOf(day).getUTCFullYear();
const monthly = (months: number, pixels: number, label: Step["label"]): Step => ({
  days: 28 * months,
  pixels,
  label,
  nth: (n) => firstOfMonth(0, n * months),
  indexOf: (day) => Math.floor((year(day) * 12 + dateOf(day).getUTCMonth()) / months),
});
const yearly = (years: number) => monthly(12 * years, 44, (day) => String(year(day)));
const dayOfMonth: Step["label"] = (day) => format(day, { day: "numeric" });
const everyMonth = monthly(1, 36, (day) => format(day, { month: "short" }));

const minorSteps: Step[] = [
  { days: 1, pixels: 24, label: dayOfMonth, nth: (n) => n, indexOf: Math.floor },
  { days: 7, pixels: 24, label: dayOfMonth, nth: (n) => n * 7 - 3, indexOf: (day) => Math.floor((day + 3) / 7) }, // Mondays
  everyMonth,
  monthly(3, 36, everyMonth.label),
  ...[1, 2, 5, 10, 50, 100, 500, 1000].map(yearly),
];
const majorMonth = monthly(1, 0, (day) => format(day, { month: "long", year: "numeric" }));

/**
 * Returns the ticks between two positions: minor ones as close as their labels allow, and above them major ones, the first
 * of which may be before the first position. Steps of years have no major ticks.
 */
export function ticksOf(scale: Scale, from: number, to: number): { minor: Tick[]; major: Tick[] } {
  const minor = minorSteps.find(({ days, pixels }) => days * scale.pixelsPerDay >= pixels) ?? minorSteps.at(-1)!;
  const major = minor.days <= 7 ? majorMonth : minor.days < 365 / 2 ? yearly(1) : null;
  return { minor: steps(minor, scale, from, to), major: major === null ? [] : steps(major, scale, from, to) };
}

function steps(step: Step, scale: Scale, from: number, to: number): Tick[] {
  const ticks: Tick[] = [];
  for (let n = step.indexOf(dayAt(scale, from)); xOf(scale, step.nth(n)) < to; n++) {
    ticks.push({ x: xOf(scale, step.nth(n)), label: step.label(step.nth(n)) });
  }
  return ticks;
}

const shadePixels = 3; // of a day; narrower shades would only be noise

/** Days in a row. */
export interface Run {
  x: number;
  width: number;
}

/** Returns the runs of days off between two positions. */
export function shadesOf(scale: Scale, calendar: Workdays, from: number, to: number): Run[] {
  if (scale.pixelsPerDay < shadePixels) return [];
  const shades: Run[] = [];
  let open = false;
  for (let day = Math.floor(dayAt(scale, from)); xOf(scale, day) < to; day++) {
    const off = !calendar.works(day);
    if (off && open) shades.at(-1)!.width += scale.pixelsPerDay;
    else if (off) shades.push({ x: xOf(scale, day), width: scale.pixelsPerDay });
    open = off;
  }
  return shades;
}

