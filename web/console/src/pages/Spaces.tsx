import { useState } from "react";
import { call } from "../api";
import { Field } from "../Field";
import { Empty, Shown, usePages } from "../load";
import { hrefIn, useRoute } from "../route";
import { useMay } from "../me";
import { Needs } from "../Needs";
import { Pager, Table } from "../Table";
import { time } from "../words";
import { Export } from "./spaces/Export";
import { Import } from "./spaces/Import";
import { Links } from "./spaces/Links";
import { Space } from "./spaces/Space";

/** The directory of spaces, or one of them: `#/spaces/acme`. */
export function Spaces() {
  const { rest } = useRoute();
  return rest[0] === undefined ? <Needs all={["spaces:admin"]} place=""><Directory /></Needs> : <Space key={rest[0]} name={rest[0]} />;
}

interface Entry {
  name: string;
  created_at: number;
}

const perPage = 25;

function Directory() {
  const [prefix, setPrefix] = useState("");
  const [importing, setImporting] = useState(false);
  const may = useMay();
  const pages = usePages(async (after, signal) => {
    const query = { prefix, after: after ?? undefined, limit: perPage };
    const { body } = await call<{ spaces: Entry[]; next: string | null }>("GET", "/spaces", undefined, { query, signal });
    return { items: body.spaces, next: body.next };
  }, [prefix]);
  return (
    <>
      <section className="card head" aria-labelledby="root-title">
        <div>
          <h2 id="root-title">The root</h2>
          <p className="soft">What the server has outside of all spaces.</p>
        </div>
        <div className="actions">
          <Links place="" />
          {may("sync:admin") && <Export place="" />}
        </div>
      </section>
      <div className="tools" role="search">
        <Field title="Spaces, by the start of their name" type="search" value={prefix} maxLength={64} onChange={(event) => setPrefix(event.target.value.trim())} />
        <button type="button" onClick={() => setImporting(true)}>Import a space…</button>
      </div>
      {importing && <Import onDone={pages.reload} onClose={() => setImporting(false)} />}
      <Shown of={pages}>
        {({ items }) =>
          items.length === 0 ? <Empty>{prefix === "" ? "There is no space. The first write to a space makes it." : "No space has a name that starts like this."}</Empty> : (
            <Table
              caption="Spaces, by name" rows={items} keyOf={({ name }) => name}
              columns={[
                { title: "Name", render: ({ name }) => <a href={hrefIn("", ["spaces", name])}>{name}</a> },
                { title: "Made", render: ({ created_at }) => time(created_at) },
                { title: "Look at", render: ({ name }) => <Links place={name} /> },
              ]}
            />
          )
        }
      </Shown>
      <Pager of={pages} what="spaces" />
    </>
  );
}
