// What the chart knows of its scroller: the view, the date in its middle, and the focus.
import { useCallback, useLayoutEffect, useRef, useState, type FocusEvent, type RefObject } from "react";
import { flushSync } from "react-dom";
import type { Plan } from "./plan";
import { dayAt, xOf, type Scale } from "./scale";

type Scroller = RefObject<HTMLDivElement | null>;

/** Returns what part of the sheet the scroller shows. */
export function useView(scroller: Scroller) {
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

/**
 * Keeps the date in the middle of the view where it is, while the sheet gets another scale or another
 * beginning. At first it shows today.
 */
export function useSteadyDate(scroller: Scroller, scale: Scale, width: number) {
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

/** Lets one task at a time take the focus by the tab key. It follows the task when others add, move or delete tasks. */
export function useFocus({ rows }: Plan, scroller: Scroller, reveal: (index: number) => void) {
  const [last, setLast] = useState({ id: "", index: 0 });
  const inside = useRef(false); // the focus was here last
  const found = rows.findIndex(({ task }) => task.id === last.id);
  const index = found >= 0 ? found : Math.min(last.index, rows.length - 1);

  const focused = () => scroller.current!.querySelector<SVGElement>('[tabindex="0"]');
  useLayoutEffect(() => {
    // Another person deleted the task, or moved it to another row.
    if (inside.current && document.activeElement === document.body) focused()?.focus({ preventScroll: true });
  });
  const took = useCallback(
    (index: number) => {
      inside.current = true;
      setLast({ id: rows[index]!.task.id, index });
    },
    [rows],
  );
  const go = (index: number) => {
    reveal(index);
    flushSync(() => took(index)); // draws the task, if it was out of view
    focused()?.focus({ preventScroll: true });
  };
  const left = ({ target }: FocusEvent) =>
    setTimeout(() => {
      if (target.isConnected && !scroller.current?.contains(document.activeElement)) inside.current = false;
    });
  return { index, took, left, go };
}
