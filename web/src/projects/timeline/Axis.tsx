import { xOf, type Scale, type Tick } from "./scale";

/** The dates above the chart. Screen readers hear them in the names of the tasks. */
export function Axis({ scale, ticks: { minor, major } }: { scale: Scale; ticks: { minor: Tick[]; major: Tick[] } }) {
  const left = (x: number) => x - scale.left;
  return (
    <div className="timeline-axis" aria-hidden="true">
      {major.map(({ x, label }, i) => (
        <div key={x} className="timeline-major" style={{ left: left(x), width: (major[i + 1]?.x ?? scale.right) - x }}>
          <span>{label}</span>
        </div>
      ))}
      {minor.map(({ x, label }) => <span key={x} className="timeline-minor" style={{ left: left(x) }}>{label}</span>)}
      <b className="timeline-now" style={{ left: left(xOf(scale, scale.today)) }}>Today</b>
    </div>
  );
}
