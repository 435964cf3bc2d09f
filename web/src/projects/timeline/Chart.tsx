import { useCallback, useId, useLayoutEffect, useMemo, useRef, useState, type CSSProperties, type KeyboardEvent, type RefObject } from "react";

import { Axis } from "./Axis";
import { Bar } from "./Bar";
import type { Workdays } from "./calendar";
import { datesOf, stateOf } from "./describe";
import { arrowsOf, barOf, stepOf, windowOf } from "./layout";
import type { Plan } from "./plan";
import { dayAt, scaleOf, shadesOf, ticksOf, xOf, type Scale, type Zoom } from "./scale";

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
  const marker = useId();
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
          <ul className="timeline-names" aria-hidden="true" style={{ width: narrow ? view.width : names, height }}>
            {indexes.map((index) => {
              const row = plan.rows[index]!;
              return (
                <li key={row.task.id} title={row.task.name} style={{ height: rowHeight, paddingLeft: 8 + 14 * Math.min(row.depth, 6), transform: `translateY(${index * rowHeight}px)` }}>
                  <span>{row.task.name}</span>
                  {narrow && <small>{row.span === null ? datesOf(row) : stateOf(row)}</small>}
                </li>
              );
            })}
          </ul>
          <svg className="timeline-chart" viewBox={`${scale.left} 0 ${sheet} ${height}`} width={sheet} height={height}>
            <defs>
              <marker id={marker} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
                <path className="timeline-tip" d="M0 0L8 4L0 8Z" />
              </marker>
            </defs>
            <g aria-hidden="true">
              {shades.map(({ x, width }) => <rect key={x} className="timeline-off" x={x} y={0} width={width} height={height} />)}
              {ticks.minor.map(({ x }) => <line key={x} className="timeline-line" x1={x} x2={x} y1={0} y2={height} />)}
              <line className="timeline-today" x1={0} x2={0} y1={0} y2={height} />
              {arrows.map(({ link, path }) => (
                <path key={link.id} className={link.from === focus.index || link.to === focus.index ? "timeline-arrow near" : "timeline-arrow"} d={path} markerEnd={`url(#${marker})`} />
              ))}
            </g>
            <g role="list" aria-label="Tasks by time" aria-describedby="timeline-hint" onKeyDown={keyDown}>
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
            </g>
          </svg>
        </div>
      )}
    </div>
  );
}

// useView returns what part of the sheet the scroller shows.
function useView(scroller: RefObject<HTMLDivElement | null>) {
  const [view, setView] = useState({ left: 0, top: 0, width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current!;
    const look = () => setView({ left: element.scrollLeft, top: element.scrollTop, width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  return view;
}

// useSteadyDate keeps the date in the middle of the view where it is, while the sheet gets another scale or another
// beginning. At first it shows today.
function useSteadyDate(scroller: RefObject<HTMLDivElement | null>, scale: Scale, width: number) {
  const before = useRef<Scale>(undefined);
  useLayoutEffect(() => {
    if (width <= 0) return;
    const element = scroller.current!;
    const old = before.current;
    const middle = old === undefined ? scale.today : dayAt(old, old.left + element.scrollLeft + width / 2);
    element.scrollLeft = xOf(scale, middle) - scale.left - width / 2;
    before.current = scale;
  }, [scale]);
}

// useFocus lets one task at a time take the focus by the tab key. It follows the task when others add, move or delete tasks.
function useFocus({ rows }: Plan, scroller: RefObject<HTMLDivElement | null>, reveal: (index: number) => void) {
  const [last, setLast] = useState({ id: "", index: 0 });
  const inside = useRef(false); // the focus was here last
  const found = rows.findIndex(({ task }) => task.id === last.id);
  const index = found >= 0 ? found : Math.min(last.index, rows.length - 1);
  const id = rows[index]!.task.id;

  const focused = () => scroller.current!.querySelector<SVGElement>('[tabindex="0"]');
  useLayoutEffect(() => {
    if (inside.current && !scroller.current!.contains(document.activeElement)) focused()?.focus({ preventScroll: true }); // another person deleted the task
  }, [id]);
  useLayoutEffect(() => {
    const forget = () => {
      if (document.activeElement !== document.body && !scroller.current?.contains(document.activeElement)) inside.current = false;
    };
    document.addEventListener("focusin", forget);
    return () => document.removeEventListener("focusin", forget);
  }, []);

  const took = useCallback(
    (index: number) => {
      inside.current = true;
      setLast({ id: rows[index]!.task.id, index });
    },
    [rows],
  );
  const go = (index: number) => {
    const element = scroller.current!;
    const top = index * rowHeight;
    element.scrollTop = Math.min(top, Math.max(element.scrollTop, top + rowHeight - height));
    took(index); // draws the task, if it was out of view
    focused()?.focus({ preventScroll: true });
  };
  return { index, took, go };
}
