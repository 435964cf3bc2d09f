import { xOf, type Scale, type Tick } from "./scale";

/** The dates above the chart. Screen readers hear them in the names of the tasks. */
export function Axis({ scale, ticks: { minor, major } }: { scale: Scale; ticks: { minor: Tick[]; major: Tick[] } }) {
  const left = (x: number) => Math.max(0, x - scale.left);
  const today = xOf(scale, scale.today);
  return (
    <div className="timeline-axis" aria-hidden="true">
      {major.map(({ x, label }, i) => {
        const width = left(major[i + 1]?.x ?? scale.right) - left(x);
        return width > 0 && <div key={x} className="timeline-major" style={{ left: left(x), width }}><span>{label}</span></div>;
      })}
      {minor.map(({ x, label }) => x >= scale.left && <span key={x} className="timeline-minor" style={{ left: left(x) }}>{label}</span>)}
      {today >= scale.left && today <= scale.right && <b className="timeline-now" style={{ left: Math.max(24, left(today)) }}>Today</b>}
    </div>
  );
}
