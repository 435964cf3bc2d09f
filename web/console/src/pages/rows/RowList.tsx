import { useState } from "react";
import { call } from "../../api";
import { Empty, Shown, usePages } from "../../load";
import { go, href, inPlace, useRoute } from "../../route";
import { Pager, Table } from "../../Table";
import { time } from "../../words";
import { RowPanel } from "./RowPanel";
import { show, type ListedRow, type Table as TableOf } from "./tables";

const times = ["created_at", "updated_at", "stamp"];
const size = 100; // rows of a page
const comparisons = { equal: "is", contains: "contains", starts: "begins with", less: "is less than", greater: "is greater than", null: "is null" };

/** The rows of a table, as the server filters, orders and pages them, and one of them beside. */
export function RowList({ table, onChange }: { table: TableOf; onChange(): void }) {
  const { place, query } = useRoute();
  const asked = Object.fromEntries(query);
  const { id, ...filter } = asked;
  const rows = usePages(
    async (after, signal) => {
      const { body } = await call<{ rows: ListedRow[]; next: string | null }>("GET", inPlace(place, "/sync/rows"), undefined, {
        query: { ...filter, table: table.name, limit: size, after: after ?? undefined }, signal,
      });
      return { items: body.rows, next: body.next };
    },
    [place, table.name, JSON.stringify(filter)],
  );
  const link = (id?: string) => href(["rows", table.name], { ...filter, id });
  return (
    <div className={id === undefined ? "beside" : "beside open"}>
      <div className="stack list-side">
        <Filter key={JSON.stringify(filter)} table={table} filter={filter} id={id} />
        <Shown of={rows}>
          {({ items, next }) => (
            <>
              {items.length > 0 && (
                <Table
                  caption={`Rows of ${table.name}`}
                  wide
                  rows={items}
                  keyOf={({ row }) => row.id}
                  columns={[
                    {
                      title: "id",
                      render: ({ row, state }) => (
                        <a href={link(row.id)} aria-current={row.id === id ? "true" : undefined}>
                          {row.id}{state === "deleted" && <> <span className="chip bad"><i />deleted</span></>}
                        </a>
                      ),
                    },
                    ...table.columns.map(({ name, type }) => ({
                      title: name,
                      number: type === "number",
                      render: ({ row }: ListedRow) => (row[name] == null ? <span className="soft">null</span> : show(row[name]).slice(0, 200)),
                    })),
                    { title: "Last change", render: ({ stamp }) => time(stamp) },
                  ]}
                />
              )}
              {items.length === 0 && next === null && <Empty>{filter["column"] ? "No row meets this filter." : "No rows."}</Empty>}
              {items.length < size && next !== null && (
                <p className="hint" role="status">The server looks at no more than 10,000 rows, or 32 MB of them, for one page. So this page is short. “Next” looks at more rows.</p>
              )}
            </>
          )}
        </Shown>
        <Pager of={rows} what="rows" />
      </div>
      {id !== undefined && (
        <RowPanel key={id} table={table} id={id} back={link()} onChange={() => (rows.reload(), onChange())} />
      )}
    </div>
  );
}

function Filter({ table, filter, id }: { table: TableOf; filter: Record<string, string>; id: string | undefined }) {
  const [column, setColumn] = useState(filter["column"] ?? "");
  const [is, setIs] = useState(filter["is"] ?? "equal");
  const ask = (form: HTMLFormElement) => {
    const { value, order, deleted } = Object.fromEntries(new FormData(form)) as Record<string, string>;
    go(["rows", table.name], { order, deleted, id, ...(column ? { column, is, value } : {}) });
  };
  const names = ["id", ...table.columns.map(({ name }) => name), ...times];
  return (
    <form className="tools filter" aria-label="Filter" onSubmit={(event) => (event.preventDefault(), ask(event.currentTarget))}>
      <label>
        Column
        <select value={column} onChange={({ currentTarget }) => setColumn(currentTarget.value)}>
          <option value="">any</option>
          {names.map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
      {column && (
        <label>
          Comparison
          <select value={is} onChange={({ currentTarget }) => setIs(currentTarget.value)}>
            {Object.entries(comparisons).map(([is, title]) => <option key={is} value={is}>{title}</option>)}
          </select>
        </label>
      )}
      {column && is !== "null" && <label>Value <input name="value" defaultValue={filter["value"]} placeholder={times.includes(column) ? "milliseconds since 1970" : undefined} autoComplete="off" autoCapitalize="off" spellCheck={false} /></label>}
      <label>
        Order
        <select name="order" defaultValue={filter["order"] ?? ""}>
          <option value="">by id</option>
          <option value="changed">newest first</option>
        </select>
      </label>
      <label>
        Deleted rows
        <select name="deleted" defaultValue={filter["deleted"] ?? ""}>
          <option value="">left out</option>
          <option value="also">shown, too</option>
          <option value="only">only these</option>
        </select>
      </label>
      <div className="actions">
        <button type="submit">Show</button>
        {Object.keys(filter).length > 0 && <a className="button" href={href(["rows", table.name], { id })}>Clear</a>}
      </div>
    </form>
  );
}
