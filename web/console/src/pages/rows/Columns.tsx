import { Table } from "../../Table";
import { checks, who, type Table as TableOf } from "./tables";

/** The columns and the rules of a table, as tables.toml declares them. */
export function Columns({ table: { columns, read, write } }: { table: TableOf }) {
  return (
    <>
      <section className="card" aria-label="Rules">
        <dl className="facts">
          <dt>May pull a row</dt>
          <dd>{who(read)}. <code>read = "{read}"</code></dd>
          <dt>May push a row</dt>
          <dd>{who(write)}. <code>write = "{write}"</code></dd>
        </dl>
      </section>
      <Table
        caption="The columns"
        rows={columns}
        keyOf={({ name }) => name}
        columns={[
          { title: "Column", render: ({ name }) => <b>{name}</b> },
          { title: "Type", render: ({ type, optional }) => `${type}${optional ? " or null" : ""}` },
          { title: "Checks", render: (column) => checks(column) || <span className="soft">none</span> },
          { title: "Since version", number: true, render: ({ since }) => since },
        ]}
      />
      <p className="hint">Every table has <code>id</code>, <code>created_at</code> and <code>updated_at</code>, too. The file <code>tables.toml</code> declares tables; a change of it is a new deployment.</p>
    </>
  );
}
