import { useState, type FormEvent } from "react";
import { call } from "../../api";
import { Empty, Problem, Shown, usePages, type Pages } from "../../load";
import { go, href, inPlace, useRoute } from "../../route";
import { Pager, Table } from "../../Table";
import { readClaims } from "./claims";
import { show, who, type Table as TableOf, type Values } from "./tables";

interface Caller {
  subject: string;
  scope: string;
  /** The token gets into this place at all, and may pull. */
  enters: boolean;
  why: string[];
}

interface Seen {
  id: string;
  pulls: boolean;
  writes: boolean;
  row: Values | null;
  /** Why a pull does not bring it. */
  why?: string[];
  /** Why the caller may not write it. */
  write_why?: string[];
}

/** The response of POST /sync/as. */
interface Answer {
  caller: Caller;
  rows: Seen[];
  next: string | null;
}

interface Props {
  table: TableOf;
  /** What was pasted last. */
  claims: string;
  onClaims(text: string): void;
}

/** Which rows a user's pull brings, and why not the others. */
export function AsUser({ table, claims, onClaims }: Props) {
  const { query } = useRoute();
  const id = query.get("id") ?? "";
  const [asked, setAsked] = useState<{ claims: object; turn: number }>();
  const [error, setError] = useState<Error>();
  const [decoded, setDecoded] = useState(false);

  // A token becomes its claims at once: the page neither keeps nor sends its signature.
  const pasted = (text: string) => {
    setError(undefined);
    try {
      const read = readClaims(text);
      setDecoded(read.decoded || (decoded && text !== ""));
      onClaims(read.decoded ? JSON.stringify(read.claims, null, 2) : text);
    } catch {
      setDecoded(false);
      onClaims(text); // the person is still typing
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    try {
      setAsked({ claims: readClaims(claims).claims, turn: (asked?.turn ?? 0) + 1 });
      setError(undefined);
      go(["rows", table.name, "as"], { id: String(new FormData(event.currentTarget).get("id")).trim() });
    } catch (error) {
      setAsked(undefined);
      setError(error as Error);
    }
  };
  return (
    <>
      <form className="card ask" aria-label="The user" onSubmit={submit}>
        <label>
          The user's claims, or a token of theirs
          <textarea
            rows={decoded ? 8 : 4}
            value={claims}
            onChange={({ currentTarget }) => pasted(currentTarget.value)}
            placeholder='{"sub": "u1", "scope": "sync:read sync:write"}'
            autoCapitalize="off"
            spellCheck={false}
            required
          />
        </label>
        {decoded && <p className="hint" role="status">These are the claims of the token. Its signature stayed here and is not sent.</p>}
        <div className="tools">
          <label>Only the row with this id <input key={id} name="id" defaultValue={id} maxLength={128} placeholder="all rows" autoComplete="off" autoCapitalize="off" spellCheck={false} /></label>
          <button type="submit" className="primary">See as this user</button>
        </div>
        {error && <Problem error={error} />}
      </form>
      {asked ? <Answered key={`${asked.turn} ${id}`} table={table} claims={asked.claims} id={id} /> : (
        <p className="hint">The server then says which rows of {table.name} a pull of this user brings, and why not the others. It applies the same rules as a pull. This signs nobody in, and changes nothing.</p>
      )}
    </>
  );
}

function Answered({ table, claims, id }: { table: TableOf; claims: object; id: string }) {
  const { place } = useRoute();
  const [caller, setCaller] = useState<Caller>();
  const seen = usePages(
    async (after, signal) => {
      const body = { claims, table: table.name, ...(id ? { id } : { after, limit: 100 }) };
      const answer = (await call<Answer>("POST", inPlace(place, "/sync/as"), body, { signal })).body;
      setCaller(answer.caller);
      return { items: answer.rows, next: answer.next };
    },
    [place, table.name, id],
  );
  return (
    <section className="stack" aria-label="What this user sees">
      <Shown of={seen}>
        {({ items }) => (
          <>
            {caller && <CallerLine caller={caller} table={table} />}
            {id && items[0] ? <OneRow table={table} seen={items[0]} subject={caller?.subject ?? ""} /> : <List table={table} of={seen} items={items} />}
          </>
        )}
      </Shown>
    </section>
  );
}

function CallerLine({ caller: { subject, scope, enters, why }, table }: { caller: Caller; table: TableOf }) {
  return (
    <div className={enters ? "card" : "problem"}>
      <p>
        <b>{subject || "A caller without a subject"}</b> {enters ? "may pull here." : "may not pull here, so no row comes:"}
      </p>
      <Reasons why={why} />
      {scope && <p className="soft">Scope: {scope}.</p>}
      {enters && <p className="soft">A pull brings {who(table.read) === "everybody" ? "every row" : <>rows to {who(table.read)}</>}. <code>read = "{table.read}"</code></p>}
    </div>
  );
}

const Reasons = ({ why }: { why: string[] }) => why.length > 0 && <ul className="bullets">{why.map((reason) => <li key={reason}>{reason}</li>)}</ul>;

const Verdict = ({ yes, children }: { yes: boolean; children: string }) => <span className={`chip ${yes ? "on" : "bad"}`}><i />{children}</span>;

// reasonsOf returns why a row does not come, and why the caller may not write it if there are other reasons for that.
function reasonsOf({ why = [], write_why = [] }: Seen): string[] {
  return [...why, ...write_why.filter((reason) => !why.includes(reason)).map((reason) => `for writing: ${reason}`)];
}

function OneRow({ table, seen, subject }: { table: TableOf; seen: Seen; subject: string }) {
  const { id, pulls, writes, row } = seen;
  return (
    <div className="card pane">
      <h3>{subject || "This user"} {pulls ? "sees" : "does not see"} {id}</h3>
      <p><Verdict yes={pulls}>{pulls ? "A pull brings it" : "No pull brings it"}</Verdict> <Verdict yes={writes}>{writes ? "May write it" : "May not write it"}</Verdict></p>
      <Reasons why={reasonsOf(seen)} />
      {row && <dl className="facts">{table.columns.map(({ name }) => <div key={name}><dt>{name}</dt><dd>{show(row[name])}</dd></div>)}</dl>}
      <p><a href={href(["rows", table.name], { id })}>All that the server has of this row</a></p>
    </div>
  );
}

function List({ table, of, items }: { table: TableOf; of: Pages<Seen>; items: Seen[] }) {
  const first = table.columns.slice(0, 3);
  if (items.length === 0) return <Empty>There is no row.</Empty>;
  const seen = items.filter(({ pulls }) => pulls).length;
  return (
    <>
      <p role="status">A pull brings <b>{seen}</b> of these {items.length} rows.</p>
      <Table
        caption={`Rows of ${table.name} for this user`}
        rows={items}
        keyOf={({ id }) => id}
        columns={[
          {
            title: "Row",
            render: ({ id, row }) => (
              <div>
                <a href={href(["rows", table.name, "as"], { id })}><b>{id}</b></a>
                <small className="soft block">{first.map(({ name }) => row?.[name]).filter((value) => value != null).map(show).join(" · ").slice(0, 120)}</small>
              </div>
            ),
          },
          { title: "Pull", render: ({ pulls }) => <Verdict yes={pulls}>{pulls ? "brings it" : "does not"}</Verdict> },
          { title: "Write", render: ({ writes }) => <Verdict yes={writes}>{writes ? "may" : "may not"}</Verdict> },
          { title: "Why not", render: (seen) => <Reasons why={reasonsOf(seen)} /> },
        ]}
      />
      <Pager of={of} what="rows" />
    </>
  );
}
