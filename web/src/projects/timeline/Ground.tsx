import { memo, useId } from "react";
import type { Arrow } from "./layout";
import { xOf, type Run, type Scale, type Tick } from "./scale";

interface Props {
  scale: Scale;
  ticks: Tick[];
  shades: Run[];
  arrows: Arrow[];
  /** The arrows of this row are drawn bold while the focus is in the timeline. */
  near: number;
  height: number;
}

/** What is behind the bars. Screen readers hear of it in the names of the tasks. */
export const Ground = memo(function Ground({ scale, ticks, shades, arrows, near, height }: Props) {
  const tip = useId();
  const today = xOf(scale, scale.today);
  return (
    <g aria-hidden="true">
      <marker id={tip} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
        <path className="timeline-tip" d="M0 0L8 4L0 8Z" />
      </marker>
      {shades.map(({ x, width }) => <rect key={x} className="timeline-off" x={x} width={width} height={height} />)}
      {ticks.map(({ x }) => <line key={x} className="timeline-line" x1={x} x2={x} y2={height} />)}
      <line className="timeline-today" x1={today} x2={today} y2={height} />
      {arrows.map(({ link: { id, from, to }, path }) => (
        <path key={id} className={from === near || to === near ? "timeline-arrow near" : "timeline-arrow"} d={path} markerEnd={`url(#${tip})`} />
      ))}
    </g>
  );
});
