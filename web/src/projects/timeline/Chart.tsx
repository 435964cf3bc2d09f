import { useMemo, useRef, type CSSProperties, type KeyboardEvent } from "react";
import { Axis } from "./Axis";
import { Bar } from "./Bar";
import type { Workdays } from "./calendar";
import { Ground } from "./Ground";
import { arrowsOf, barOf, stepOf, windowOf } from "./layout";
import { Names } from "./Names";
import type { Plan } from "./plan";
import { scaleOf, shadesOf, ticksOf, type Zoom } from "./scale";
import { useFocus, useSteadyDate, useView } from "./view";

interface Props {
  plan: Plan;
  calendar: Workdays;
  today: number;
  zoom: Zoom;
  onOpen(taskId: string): void;
}

const axisHeight = 44; // as in timeline.css
const block = 512; // pixels: the axis is drawn again when the view has scrolled this far

/** Draws the rows that are in view. Names are at the left, or in a narrow view above the bars. */
export function Chart({ plan, calendar, today, zoom, onOpen }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useView(scroller);
  const narrow = view.width < 560;
  const [rowHeight, middle] = narrow ? [46, 32] : [34, 17];
  const names = narrow ? 0 : 224;
  const width = view.width - names;
  const scale = useMemo(() => scaleOf(plan.range, today, zoom, { width, right: narrow ? 0 : 120 }), [plan.range, today, zoom, width, narrow]);
  useSteadyDate(scroller, scale, width);
  const reveal = (index: number) => {
    const element = scroller.current!;
    const top = index * rowHeight;
    element.scrollTop = Math.min(top, Math.max(element.scrollTop, top + rowHeight - (view.height - axisHeight)));
    const bar = barOf(plan.rows[index]!, scale);
    const x = (bar?.x ?? scale.left) - scale.left;
    if (x < element.scrollLeft || x > element.scrollLeft + width - 32) element.scrollLeft = x - width / 4;
  };
  const focus = useFocus(plan, scroller, reveal);

  const from = scale.left + Math.floor(view.left / block) * block - block;
  const to = Math.min(scale.right, from + Math.ceil(width / block) * block + 3 * block);
  const ticks = useMemo(() => ticksOf(scale, from, to), [scale, from, to]);
  const shades = useMemo(() => shadesOf(scale, calendar, from, to), [scale, calendar, from, to]);
  const shown = windowOf(plan.rows.length, rowHeight, view.top, view.height);
  const arrows = useMemo(() => arrowsOf(plan, scale, rowHeight, middle, shown), [plan, scale, rowHeight, middle, shown.first, shown.end]);
  const indexes = Array.from({ length: shown.end - shown.first }, (_, i) => shown.first + i);
  if (focus.index < shown.first) indexes.unshift(focus.index); // the focus stays where it is while others scroll
  if (focus.index >= shown.end) indexes.push(focus.index);

  const height = plan.rows.length * rowHeight;
  const sheet = scale.right - scale.left;
  const keyDown = (event: KeyboardEvent) => {
    const { key } = event;
    const next = stepOf(key, focus.index, plan.rows.length, Math.max(1, Math.floor(view.height / rowHeight) - 2));
    if (key === "Enter" || key === " ") onOpen(plan.rows[focus.index]!.task.id);
    else if (next !== null) focus.go(next);
    else return;
    event.preventDefault();
  };
  return (
    <div className={narrow ? "timeline narrow" : "timeline"} ref={scroller} style={{ "--names": `${names}px` } as CSSProperties}>
      {view.width > 0 && (
        <div className="timeline-sheet" style={{ width: names + sheet }}>
          {!narrow && <div className="timeline-corner" aria-hidden="true" />}
          <Axis scale={scale} ticks={ticks} />
          <Names plan={plan} indexes={indexes} rowHeight={rowHeight} width={narrow ? view.width : names} height={height} states={narrow} />
          <svg
            className="timeline-chart"
            role="list" // without a role a browser calls it an image, and hides what is inside
            aria-label="Tasks by time"
            aria-describedby="timeline-hint"
            viewBox={`${scale.left} 0 ${sheet} ${height}`}
            width={sheet}
            height={height}
            onKeyDown={keyDown}
            onBlur={focus.left}
          >
            <Ground scale={scale} ticks={ticks.minor} shades={shades} arrows={arrows} near={focus.index} height={height} />
            {indexes.map((index) => (
              <Bar
                key={plan.rows[index]!.task.id}
                plan={plan}
                index={index}
                scale={scale}
                rowHeight={rowHeight}
                middle={middle}
                texts={!narrow}
                focusable={index === focus.index}
                onFocus={focus.took}
                onOpen={onOpen}
              />
            ))}
          </svg>
        </div>
      )}
    </div>
  );
}
