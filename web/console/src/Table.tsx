import type { ReactNode } from "react";
import type { Pages } from "./load";

export interface Column<T> {
  title: string;
  render(row: T): ReactNode;
  /** Numbers stand at the right. */
  number?: boolean;
}

interface Props<T> {
  /** What the table shows, for those who do not see it. */
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  keyOf(row: T): string;
  /** On a phone the table is scrolled sideways, and its rows do not become cards. For many columns. */
  wide?: boolean;
}

/** A table; on a phone each row is a card. The roles stay when CSS makes cards of the rows. */
export function Table<T>({ caption, columns, rows, keyOf, wide = false }: Props<T>) {
  const table = (
    <table role="table" className={wide ? "wide" : "cards"}>
      <caption className="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ title, number }) => <th key={title} role="columnheader" scope="col" className={number ? "number" : undefined}>{title}</th>)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={keyOf(row)} role="row">
            {columns.map(({ title, number, render }) => (
              <td key={title} role="cell" data-title={title} className={number ? "number" : undefined}>{render(row)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
  return wide ? <div className="sideways" role="region" aria-label={caption} tabIndex={0}>{table}</div> : table;
}

/** The buttons between the pages of a list; none if there is one page. */
export function Pager<T>({ of, what }: { of: Pages<T>; what: string }) {
  if (!of.several) return null;
  // A button that is disabled would lose the focus, and the person would begin at the top after each page.
  const button = (title: string, turn: (() => void) | undefined) => {
    const disabled = turn === undefined || of.loading;
    return <button type="button" aria-disabled={disabled} onClick={disabled ? undefined : turn}>{title}</button>;
  };
  return (
    <nav className="pager" aria-label={`More ${what}`}>
      {button("Previous", of.back)}
      <span>Page {of.number}</span>
      {button("Next", of.forward)}
    </nav>
  );
}
