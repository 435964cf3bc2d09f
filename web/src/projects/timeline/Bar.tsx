import { memo } from "react";
import { datesOf, nameOf, stateOf } from "./describe";
import { barOf } from "./layout";
import type { Kind, Plan, Row } from "./plan";
import type { Scale } from "./scale";

interface Props {
  plan: Plan;
  index: number;
  scale: Scale;
  rowHeight: number;
  /** Where the middle of the bar is in its row. */
  middle: number;
  /** The state stands behind the bar. */
  texts: boolean;
  focusable: boolean;
  onFocus(index: number): void;
  onOpen(taskId: string): void;
}

/** One task. The whole row takes clicks. Its name tells a screen reader everything. */
export const Bar = memo(function Bar({ plan, index, scale, rowHeight, middle, texts, focusable, onFocus, onOpen }: Props) {
  const row = plan.rows[index]!;
  const { task, kind } = row;
  const bar = barOf(row, scale);
  return (
    <g role="listitem" aria-setsize={plan.rows.length} aria-posinset={index + 1}>
      <g
        role="button"
        className="timeline-row"
        data-kind={kind}
        data-status={task.status}
        tabIndex={focusable ? 0 : -1}
        aria-label={nameOf(plan, index)}
        style={{ transform: `translateY(${index * rowHeight}px)` }}
        onFocus={() => onFocus(index)}
        onClick={() => onOpen(task.id)}
      >
        <rect className="timeline-hit" x={scale.left} y={1} width={scale.right - scale.left} height={rowHeight - 2} />
        {bar !== null && (
          <g className="timeline-bar" style={{ transform: `translate(${bar.x}px, ${middle}px)` }}>
            <Shape kind={kind} width={bar.width} percent={task.percentComplete} />
            {texts && <text x={bar.width + 18} y={4}>{kind === "wrong" ? datesOf(row) : stateOf(row)}</text>}
          </g>
        )}
        {bar === null && texts && <text x={scale.left + 12} y={middle + 4}>{datesOf(row)}</text>}
      </g>
    </g>
  );
});

const half = 9; // of a bar's height

function Shape({ kind, width, percent }: { kind: Kind; width: number; percent: Row["task"]["percentComplete"] }) {
  if (kind === "milestone") return <path className="timeline-fill" d="M0 -8L8 0L0 8L-8 0Z" />;
  if (kind === "summary") {
    const tip = Math.min(6, width / 2);
    return <path className="timeline-fill" d={`M0 -6H${width}V6L${width - tip} 0H${tip}L0 6Z`} />;
  }
  return (
    <>
      <rect className="timeline-frame" y={-half} width={width} height={2 * half} rx={3} />
      <rect className="timeline-fill" y={-half} width={(width * Math.min(100, Math.max(0, percent))) / 100} height={2 * half} rx={3} />
    </>
  );
}
