import { useMemo, useState } from "react";
import { many } from "../../words";
import { compare, type Line } from "./compare";

/** What changed from one text to another. */
export default function Compared({ before, after, from, to }: { before: string; after: string; from: string; to: string }) {
  const { parts, added, removed } = useMemo(() => compare(before, after), [before, after]);
  const [open, setOpen] = useState<number[]>([]);
  if (added + removed === 0) return <p className="empty" role="status">The text is the same in both.</p>;
  return (
    <>
      <p className="soft" role="status">From {from} to {to}: {many(added, "line")} added, {many(removed, "line")} removed.</p>
      <div className="sheet diff" role="region" aria-label={`Changes from ${from} to ${to}`} tabIndex={0}>
        {parts.map((part, i) =>
          part.kind !== "skipped" ? <Row key={i} line={part} />
            : open.includes(i) ? part.lines.map((line, n) => <Row key={`${i} ${n}`} line={line} />)
            : <button key={i} type="button" className="quiet skipped" onClick={() => setOpen([...open, i])}>{many(part.lines.length, "equal line")}</button>,
        )}
      </div>
    </>
  );
}

const signs = { same: " ", removed: "−", added: "+" };
const spoken = { same: "", removed: "removed: ", added: "added: " };

function Row({ line: { kind, pieces } }: { line: Line }) {
  const Mark = kind === "removed" ? "del" : "ins";
  return (
    <div className={`line ${kind}`}>
      <span aria-hidden="true">{signs[kind]}</span>
      <p>
        <span className="unseen">{spoken[kind]}</span>
        {pieces.map(({ text, changed }, i) => (changed && pieces.length > 1 ? <Mark key={i}>{text}</Mark> : text))}
      </p>
    </div>
  );
}
