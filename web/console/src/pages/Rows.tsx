import { useState } from "react";
import { call } from "../api";
import { Empty, Shown, useLoad } from "../load";
import { go, href, inPlace, useRoute } from "../route";
import { Table } from "../Table";
import { count, many } from "../words";
import { AsUser } from "./rows/AsUser";
import { Columns } from "./rows/Columns";
import { RowList } from "./rows/RowList";
import { who, type Table as TableOf } from "./rows/tables";
import "./pages.css";

const views = [["", "Rows"], ["as", "As a user"], ["columns", "Columns and rules"]] as const;

/** The page Rows: the tables; the rows of one; what a user sees of it; its columns and rules. */
export function Rows() {
  const { place, rest: [name, view = ""] } = useRoute();
  const [claims, setClaims] = useState("");
  const tables = useLoad(async (signal) => (await call<{ tables: TableOf[] }>("GET", inPlace(place, "/sync/tables"), undefined, { signal })).body.tables, [place]);
  return (
    <Shown of={tables}>
      {(all) => {
        if (name === undefined) return <Tables tables={all} />;
        const table = all.find((table) => table.name === name);
        if (table === undefined) return <Empty>There is no table {name}. <a href={href(["rows"])}>All tables</a></Empty>;
        return (
          <>
            <div>
              <a className="up" href={href(["rows"])}>‹ All tables</a>
              <div className="head">
                <h2>{name}</h2>
                <p className="soft" data-rows={table.rows}>{held(table)}</p>
              </div>
            </div>
            <nav className="tabs" aria-label={`Views of ${name}`}>
              {views.map(([path, title]) => (
                <a key={path} href={href(["rows", name, ...(path ? [path] : [])])} aria-current={path === view ? "page" : undefined}>{title}</a>
              ))}
            </nav>
            {view === "as" ? <AsUser key={name} table={table} claims={claims} onClaims={setClaims} />
              : view === "columns" ? <Columns table={table} />
              : <RowList key={name} table={table} onChange={tables.reload} />}
          </>
        );
      }}
    </Shown>
  );
}

const held = ({ rows, tombstones }: TableOf) => many(rows, "row") + (tombstones > 0 ? `, and ${many(tombstones, "deleted row")}` : "");

function Tables({ tables }: { tables: TableOf[] }) {
  const total = tables.reduce((sum, { rows }) => sum + rows, 0);
  return (
    <>
      <p className="soft">{many(total, "row")} in {many(tables.length, "table")}</p>
      <Table
        caption="The tables"
        rows={tables}
        keyOf={({ name }) => name}
        columns={[
          { title: "Table", render: ({ name }) => <a href={href(["rows", name])}><b>{name}</b></a> },
          { title: "Rows", number: true, render: ({ rows }) => count(rows) },
          { title: "Deleted", number: true, render: ({ tombstones }) => count(tombstones) },
          { title: "Who may pull a row", render: ({ read }) => who(read) },
          { title: "Who may push one", render: ({ write }) => who(write) },
          { title: "Who sees what?", render: ({ name }) => <a href={href(["rows", name, "as"])} aria-label={`See as a user: ${name}`}>See as a user</a> },
        ]}
      />
      <p className="hint">A deleted row stays as a tombstone, so that every device hears of the deletion, until a purge.</p>
      <form
        className="tools find"
        onSubmit={(event) => {
          event.preventDefault();
          const { table, id } = Object.fromEntries(new FormData(event.currentTarget));
          go(["rows", String(table)], { id: String(id).trim() });
        }}
      >
        <label>Table <select name="table">{tables.map(({ name }) => <option key={name} value={name}>{name}</option>)}</select></label>
        <label>Id of a row <input name="id" required maxLength={128} autoComplete="off" autoCapitalize="off" spellCheck={false} /></label>
        <button type="submit">Show the row</button>
      </form>
    </>
  );
}
