import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { Table } from "../../Table";
import { count, time } from "../../words";

interface Line {
  title: string;
  /** The name of a colour of style.css. */
  color: "accent" | "good" | "warn" | "danger";
  values: number[];
}

interface Props {
  title: string;
  /** The values are counts of a minute, and not of a moment. */
  counts?: boolean;
  /** Seconds of Unix time, ascending. */
  at: number[];
  lines: Line[];
}

interface Row {
  second: number;
  i: number;
}

const height = 170;
const least = 14 * 60; // seconds that a chart shows, of a server that has just started
const few = 5; // values that no line shows

/** Lines over an hour, with the values at the pointer, or the last ones. A table says the same in words. */
export function Chart({ title, counts = false, at, lines }: Props) {
  const [pointed, setPointed] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const look = useLook();
  const data: uPlot.AlignedData = [at, ...lines.map(({ values }) => values)];

  useEffect(() => {
    const element = box.current!;
    const made = new uPlot(options(element, lines, setPointed), data, element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [look, lines.length]);
  useEffect(() => plot.current?.setData(data), [at.at(-1), ...lines.map(({ values }) => values.join())]);

  const index = pointed !== null && pointed < at.length ? pointed : at.length - 1;
  const name = counts ? `${title} a minute` : title;
  const largest = Math.max(0, ...lines.flatMap(({ values }) => values));
  return (
    <figure className="card chart">
      <figcaption>
        <h2>{name}</h2>
        <span className="soft">{at.length === 0 ? "" : `at ${time(at[index]! * 1000).slice(11, 16)}`}</span>
      </figcaption>
      <ul className="legend">
        {lines.map(({ title, color, values }) => (
          <li key={title}><i className={`line-${color}`} aria-hidden="true" /> {title} <b>{count(values[index] ?? 0)}</b></li>
        ))}
      </ul>
      <div ref={box} className="plot" role="img" aria-label={`${name}, in the last ${at.length} minutes: at most ${count(largest)}. The table below has the numbers.`} />
      <details>
        <summary>Numbers</summary>
        <div className="numbers" tabIndex={0} role="region" aria-label={`Numbers: ${name}`}>
          <Table
            caption={`${name}, the newest first`}
            rows={at.map((second, i): Row => ({ second, i })).reverse()}
            keyOf={({ second }) => String(second)}
            columns={[
              { title: "Minute", render: ({ second }) => time(second * 1000).slice(0, 16) },
              ...lines.map(({ title, values }) => ({ title, number: true, render: ({ i }: Row) => count(values[i]!) })),
            ]}
          />
        </div>
      </details>
    </figure>
  );
}

// options reads the colours from elements of the page: a canvas does not know the variables of style.css.
function options(box: HTMLElement, lines: Line[], setPointed: (index: number | null) => void): uPlot.Options {
  const color = (selector: string) => getComputedStyle(box.parentElement!.querySelector(selector)!).color;
  const [ink, grid] = [color(".legend"), getComputedStyle(box).borderTopColor];
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: box.clientWidth,
    height,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    hooks: { setCursor: [(plot) => setPointed(plot.cursor.idx ?? null)] },
    scales: { x: { range: (_, first, last) => [Math.min(first ?? 0, (last ?? 0) - least), last ?? 0] }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.1)] } },
    axes: [
      { ...axis, size: 26, space: 70, values: (_, ticks) => ticks.map((tick) => time(tick * 1000).slice(11, 16)) },
      { ...axis, size: 48, space: 36, incrs: [1, 2, 5].flatMap((n) => [n, n * 10, n * 100, n * 1000, n * 10_000, n * 100_000, n * 1_000_000]).sort((a, b) => a - b), values: (_, ticks) => ticks.map(short) },
    ],
    series: [
      {},
      ...lines.map((line, i): uPlot.Series => {
        const stroke = color(`.line-${line.color}`);
        return { label: line.title, stroke, width: 2, points: { show: (plot) => plot.data[0].length < few }, fill: i === 0 ? stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.1)") : undefined };
      }),
    ],
  };
}

const compact = new Intl.NumberFormat("en", { notation: "compact" });
const short = (n: number) => compact.format(n);

// useLook returns another number whenever the page becomes light or dark.
function useLook(): number {
  const [look, setLook] = useState(0);
  useEffect(() => {
    const next = () => setLook((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const theme = new MutationObserver(next);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", next);
    return () => {
      theme.disconnect();
      dark.removeEventListener("change", next);
    };
  }, []);
  return look;
}
