// White text is readable on each colour.
const colors = ["#0b5c73", "#8a3b12", "#5b3fa8", "#176b3a", "#a01f5c", "#6b5300", "#1d4fb0", "#7a2f9a"];

/** Returns a person's colour, the same on every device. */
export function colorOf(name: string): string {
  let hash = 0;
  for (const unit of name) hash = (hash * 31 + unit.codePointAt(0)!) >>> 0;
  return colors[hash % colors.length]!;
}
