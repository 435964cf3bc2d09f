import { call } from "../api";
import { Empty, Shown, usePages } from "../load";
import { go, href, inPlace, useRoute } from "../route";
import { Pager, Table } from "../Table";
import { size, time } from "../words";
import { DocumentPanel } from "./documents/DocumentPanel";
import type { Listed } from "./documents/documents";
import "./pages.css";

/** The page Documents: the list, and one document beside. */
export function Documents() {
  const { place, query } = useRoute();
  const room = query.get("room");
  const prefix = query.get("prefix") ?? "";
  const rooms = usePages(
    async (after, signal) => {
      const { body } = await call<{ rooms: Listed[]; next?: string }>("GET", inPlace(place, "/yjs/"), undefined, { query: { prefix, after: after ?? undefined, limit: 50 }, signal });
      return { items: body.rooms, next: body.next ?? null };
    },
    [place, prefix],
  );
  const link = (room?: string) => href(["documents"], { prefix, room });
  return (
    <div className={room === null ? "beside" : "beside documents open"}>
      <div className="stack list-side">
        <form
          className="tools"
          aria-label="Find"
          onSubmit={(event) => {
            event.preventDefault();
            go(["documents"], { prefix: String(new FormData(event.currentTarget).get("prefix")), room: room ?? undefined });
          }}
        >
          <label>Start of the name <input key={prefix} name="prefix" defaultValue={prefix} placeholder="all documents" autoComplete="off" autoCapitalize="off" spellCheck={false} /></label>
          <button type="submit">Find</button>
        </form>
        <Shown of={rooms}>
          {({ items }) =>
            items.length === 0 ? <Empty>{prefix ? `No document has a name that starts with ${prefix}.` : "There is no document yet."}</Empty> : (
              <Table
                caption="The documents"
                rows={items}
                keyOf={({ room }) => room}
                columns={[
                  { title: "Document", render: (of) => <a href={link(of.room)} aria-current={of.room === room ? "true" : undefined}><b>{of.room}</b></a> },
                  { title: "Size", number: true, render: ({ bytes }) => size(bytes) },
                  { title: "Last copy", render: ({ updated_at }) => time(updated_at) },
                ]}
              />
            )
          }
        </Shown>
        <Pager of={rooms} what="documents" />
        {room === null && <p className="hint">An edit is in the document at once, and some seconds later in its copy, from which this list is made.</p>}
      </div>
      {room !== null && <DocumentPanel key={room} room={room} back={link()} onChange={rooms.reload} />}
    </div>
  );
}
