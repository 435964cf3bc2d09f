import { datesOf, stateOf } from "./describe";
import type { Plan } from "./plan";

interface Props {
  plan: Plan;
  indexes: number[];
  rowHeight: number;
  width: number;
  height: number;
  /** The state stands behind the name. */
  states: boolean;
}

/** The names of the tasks, which stay in view. They are HTML, as SVG cannot cut a text. Screen readers hear them as names of the bars. */
export function Names({ plan, indexes, rowHeight, width, height, states }: Props) {
  return (
    <ul className="timeline-names" aria-hidden="true" style={{ width, height }}>
      {indexes.map((index) => {
        const row = plan.rows[index]!;
        const { id, name } = row.task;
        return (
          <li key={id} title={name} style={{ height: rowHeight, paddingLeft: 8 + 14 * Math.min(row.depth, 6), transform: `translateY(${index * rowHeight}px)` }}>
            <span>{name}</span>
            {states && <small>{row.span === null ? datesOf(row) : stateOf(row)}</small>}
          </li>
        );
      })}
    </ul>
  );
}
