import { parseDay, weekday, type Day } from "./days.ts";

/** Which days are working days. */
export interface Workdays {
  works(day: Day): boolean;
  /** Returns the first moment after this many working days from the start of a day. */
  end(start: Day, days: number): Day;
}

/** Without a calendar every day counts. */
export const everyDay: Workdays = { works: () => true, end: (start, days) => start + days };

/**
 * Reads a calendar as a pull brings it: JSON texts of ISO weekdays and of days off. A device that pulled it before it
 * stored these columns has null. Such a calendar, and one without any working day, says nothing: every day counts.
 */
export function workdays(calendar: { workingDays: string | null; exceptions: string | null } | undefined): Workdays {
  const week = new Set(list(calendar?.workingDays).filter((day): day is number => typeof day === "number" && day >= 1 && day <= 7));
  if (week.size === 0) return everyDay;
  const dates = list(calendar?.exceptions).map((date) => (typeof date === "string" ? parseDay(date) : null));
  const off = [...new Set(dates)].filter((day): day is Day => day !== null && week.has(weekday(day))).sort((a, b) => a - b);

  // before counts the working days from the Monday 1969-12-29 to a day.
  const before = (day: Day) => {
    const weeks = Math.floor((day + 3) / 7);
    let count = weeks * week.size - countBelow(off, day);
    for (let d = weeks * 7 - 3; d < day; d++) if (week.has(weekday(d))) count++;
    return count;
  };
  const free = new Set(off);
  const works = (day: Day) => week.has(weekday(day)) && !free.has(Math.floor(day));

  return {
    works,
    end(start, days) {
      const target = before(start) + days;
      let low = start;
      let high = start + Math.ceil((days + off.length + 1) / week.size + 1) * 7;
      while (high - low > 1) { // low is a day that has too few before it, or the start
        const middle = Math.floor((low + high) / 2);
        if (before(middle) >= target) high = middle;
        else low = middle;
      }
      return days <= 0 ? start + days : high - (before(high) - target); // a part of the last day
    },
  };
}

function countBelow(sorted: Day[], day: Day): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

function list(json: string | null | undefined): unknown[] {
  try {
    const value: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
