// What differs between two texts, line by line, and within a changed line word by word.
import { diffArrays, diffWordsWithSpace } from "diff";

/** A piece of a line; `changed` is what the other text does not have. */
export interface Piece {
  text: string;
  changed: boolean;
}

export interface Line {
  kind: "same" | "removed" | "added";
  pieces: Piece[];
}

/** Lines that differ and those around them, or a number of equal lines that are left out. */
export type Part = Line | { kind: "skipped"; lines: Line[] };

const around = 2; // equal lines that are shown before and after a change
const patience = 1500; // ms that a comparison may take by lines, and as long by words

/** Compares two texts. Texts that differ too much are shown one after the other. */
export function compare(before: string, after: string): { parts: Part[]; added: number; removed: number } {
  const lines = linesOf(before, after);
  const count = (kind: Line["kind"]) => lines.filter((line) => line.kind === kind).length;
  return { parts: folded(lines), added: count("added"), removed: count("removed") };
}

const split = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
const whole = (kind: Line["kind"]) => (text: string): Line => ({ kind, pieces: [{ text, changed: kind !== "same" }] });

function linesOf(before: string, after: string): Line[] {
  const changes = diffArrays(split(before), split(after), { timeout: patience });
  if (changes === undefined) return [...split(before).map(whole("removed")), ...split(after).map(whole("added"))];
  const lines: Line[] = [];
  const end = Date.now() + patience;
  for (let i = 0; i < changes.length; i++) {
    const { added, removed, value } = changes[i]!;
    const next = changes[i + 1];
    if (removed && next?.added) {
      for (const line of replaced(value, next.value, end)) lines.push(line);
      i++;
    } else for (const text of value) lines.push(whole(added ? "added" : removed ? "removed" : "same")(text));
  }
  return lines;
}

// replaced pairs the removed lines with the added ones in their order. It marks no words after the time end.
function replaced(before: string[], after: string[], end: number): Line[] {
  const lines: Line[] = [];
  for (let i = 0; i < Math.max(before.length, after.length); i++) {
    const [old, young] = [before[i], after[i]];
    const left = end - Date.now();
    const words = old === undefined || young === undefined || left <= 0 ? undefined : diffWordsWithSpace(old, young, { timeout: Math.min(left, patience / 10) });
    if (words === undefined) {
      if (old !== undefined) lines.push(whole("removed")(old));
      if (young !== undefined) lines.push(whole("added")(young));
      continue;
    }
    const of = (without: "added" | "removed") =>
      words.filter((word) => !word[without]).map(({ value, added, removed }): Piece => ({ text: value, changed: added || removed }));
    lines.push({ kind: "removed", pieces: of("added") }, { kind: "added", pieces: of("removed") });
  }
  return lines;
}

// folded leaves out long runs of equal lines.
function folded(lines: Line[]): Part[] {
  const parts: Part[] = [];
  for (let i = 0; i < lines.length; ) {
    let end = i;
    while (end < lines.length && lines[end]!.kind === "same") end++;
    const first = i === 0 ? i : i + around;
    const last = end === lines.length ? end : end - around;
    if (last - first > 1) {
      parts.push(...lines.slice(i, first), { kind: "skipped", lines: lines.slice(first, last) }, ...lines.slice(last, end));
    } else parts.push(...lines.slice(i, end));
    while (end < lines.length && lines[end]!.kind !== "same") parts.push(lines[end++]!);
    i = end;
  }
  return parts;
}
