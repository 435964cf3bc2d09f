// Where things are on the sheet: bars, arrows, and the rows that the view needs. Positions are in pixels, x as scale.ts
// counts it, y from the top of the first row.
import type { Relation } from "../words.ts";
import type { Link, Plan, Row } from "./plan.ts";
import { xOf, type Scale } from "./scale.ts";

export interface Bar {
  x: number;
  width: number;
}

const thinnest = 4; // pixels: a short task of a long project is still seen

/** Returns the place of a row's bar. A milestone is a point in the middle of its day. */
export function barOf({ span, kind }: Row, scale: Scale): Bar | null {
  if (span === null) return null;
  const x = xOf(scale, span.start);
  const width = xOf(scale, span.end) - x;
  return kind === "milestone" ? { x: x + width / 2, width: 0 } : { x, width: Math.max(width, thinnest) };
}

/** Returns the rows [first, end) that a view of this height shows, and a few around it. */
export function windowOf(count: number, rowHeight: number, top: number, height: number): { first: number; end: number } {
  const around = 4;
  const first = Math.max(0, Math.floor(top / rowHeight) - around);
  return { first: Math.min(first, count), end: Math.min(count, Math.ceil((top + height) / rowHeight) + around) };
}

export interface Arrow {
  link: Link;
  path: string;
}

const sides: { [type in Relation]: [from: 1 | -1, to: 1 | -1] } = { FS: [1, -1], SS: [-1, -1], FF: [1, 1], SF: [-1, 1] }; // 1 is the end
const stub = 9; // pixels between a bar and the first bend
const diamond = 7; // half of a milestone's width

/** Returns the arrows that cross the rows [first, end). An arrow needs the bars of both tasks. */
export function arrowsOf({ rows, links }: Plan, scale: Scale, rowHeight: number, middle: number, { first, end }: { first: number; end: number }): Arrow[] {
  const anchor = (index: number, side: 1 | -1) => {
    const row = rows[index]!;
    const bar = barOf(row, scale);
    if (bar === null) return null;
    const x = side === 1 ? bar.x + bar.width : bar.x;
    return { x: row.kind === "milestone" ? x + side * diamond : x, y: index * rowHeight + middle };
  };
  return links.flatMap((link): Arrow[] => {
    if (Math.max(link.from, link.to) < first || Math.min(link.from, link.to) >= end) return [];
    const [out, into] = sides[link.type];
    const [from, to] = [anchor(link.from, out), anchor(link.to, into)];
    if (from === null || to === null) return [];
    const edge = (link.from < link.to ? link.to : link.to + 1) * rowHeight; // of the successor's row
    return [{ link, path: arrowPath(from, out, to, into, edge) }];
  });
}

interface Point {
  x: number;
  y: number;
}

/**
 * Returns the path of an arrow that leaves a bar at one side and enters another at one side. Where it must go back, it does
 * so at y = edge. It always has the same commands, so that a browser can move one path into another.
 */
export function arrowPath(from: Point, out: 1 | -1, to: Point, into: 1 | -1, edge: number): string {
  const a = from.x + out * stub;
  const b = to.x + into * stub;
  const farther = (x: number, y: number) => (out === 1 ? Math.max(x, y) : Math.min(x, y));
  // It bends at one vertical, if there is one outside of both bars.
  const straight = out === into || (b - a) * out >= 0;
  const [first, last] = straight ? [out === into ? farther(a, b) : a, out === into ? farther(a, b) : a] : [a, b];
  const between = straight ? to.y : edge;
  return `M${n(from.x)} ${n(from.y)}H${n(first)}V${n(between)}H${n(last)}V${n(to.y)}H${n(to.x)}`;
}

const n = (x: number) => Math.round(x * 10) / 10;

/** Returns the row to which a key goes from a row, or null if the key means nothing. */
export function stepOf(key: string, index: number, count: number, page: number): number | null {
  const steps: { [key: string]: number } = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count };
  const step = steps[key];
  return step === undefined ? null : Math.max(0, Math.min(count - 1, index + step));
}
