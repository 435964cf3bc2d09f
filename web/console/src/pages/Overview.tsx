import { useEffect } from "react";
import { call } from "../api";
import { Shown, useLoad, type Load } from "../load";
import { hrefIn } from "../route";
import { count, duration, many, size, time } from "../words";
import { Chart } from "./overview/Chart";
import "./overview/overview.css";

export interface Minute {
  at: number;
  requests: number;
  errors: number;
  refused: number;
  pushed_rows: number;
  pulled_rows: number;
  notifications: number;
  updates: number;
  sockets: number;
}

/** The response of GET /overview. */
interface Overview {
  now: number;
  server: { host: "self-hosted" | "workers"; version: string; of: "process" | "isolate"; since: number };
  abi: number;
  storage: number;
  tables_version: number;
  minutes: Minute[];
  sockets: Record<"sync" | "yjs" | "space" | "space_yjs", number>;
  instances: number | null;
  memory_bytes: number;
  objects_open: number | null;
  copies_behind_seconds: number;
  webhooks: { on: boolean; waiting: number; failing: number };
  backup: { on: boolean; last: number | null } | null;
  spaces: number;
  warnings: { code: string; text: string; space?: string; room?: string }[];
}

const pause = 5000; // ms between a response and the next request

/** What the server does, and what an operator should look at. */
export function Overview() {
  const load = useLoad(async (signal) => (await call<Overview>("GET", "/overview", undefined, { signal })).body, []);
  useRefresh(load);
  return (
    <Shown of={load}>
      {(overview) => (
        <>
          <Warnings of={overview.warnings} />
          <Figures of={overview} />
          <Trends minutes={whole(overview)} />
          <Versions of={overview} />
        </>
      )}
    </Shown>
  );
}

// useRefresh loads again some time after each response, while the page is visible.
function useRefresh({ loading, reload }: Load<unknown>) {
  useEffect(() => {
    if (loading) return;
    const again = () => document.visibilityState === "visible" && reload();
    const timer = setTimeout(again, pause);
    document.addEventListener("visibilitychange", again);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again);
    };
  }, [loading, reload]);
}

function Warnings({ of }: { of: Overview["warnings"] }) {
  return (
    <section aria-label="Warnings">
      {of.length === 0 ? (
        <p className="well"><span aria-hidden="true">✓</span> There are no warnings.</p>
      ) : (
        <ul className="warnings">
          {of.map(({ code, text, space, room }) => (
            <li key={`${code} ${space} ${room} ${text}`}>
              <span aria-hidden="true">⚠</span>
              <span>{text}</span>
              {room !== undefined ? <a href={hrefIn(space ?? "", ["documents"], { room })} aria-label={`Document ${room}`}>Document</a>
                : space !== undefined && <a href={hrefIn("", ["spaces", space])} aria-label={`Space ${space}`}>Space</a>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const sum = (minutes: Minute[], name: keyof Minute) => minutes.reduce((sum, minute) => sum + minute[name], 0);
const share = (part: number, whole: number) => (whole === 0 ? "0 %" : `${((part / whole) * 100).toFixed(part === 0 ? 0 : 2)} %`);

function Figures({ of }: { of: Overview }) {
  const { minutes, sockets, webhooks, backup, now } = of;
  const requests = sum(minutes, "requests");
  const [errors, refused] = [sum(minutes, "errors"), sum(minutes, "refused")];
  const rooms = sockets.yjs + sockets.space_yjs;
  const open = sockets.sync + sockets.space + rooms;
  return (
    <dl className="figures" aria-label="Figures">
      <Figure name="Requests" value={count(requests)} note="in the last hour" />
      <Figure name="Errors" value={share(errors, requests)} note={`${many(errors, "request")} with status 500 or more`} bad={errors > requests / 100} />
      <Figure name="Refused" value={share(refused, requests)} note={`${many(refused, "request")} with status 400 to 499`} />
      <Figure name="Rows pushed" value={count(sum(minutes, "pushed_rows"))} note={`${count(sum(minutes, "pulled_rows"))} pulled`} />
      <Figure name="Sockets" value={count(open)} note={`${count(open - rooms)} for rows, ${count(rooms)} for documents`} />
      <Figure name="Spaces" value={count(of.spaces)} note={of.objects_open === null ? "in the directory" : `${many(of.objects_open, "object")} open`} />
      <Figure name="Memory" value={size(of.memory_bytes)} note={of.instances === null ? "of this isolate" : `of ${many(of.instances, "instance")}`} />
      <Figure name="Copies behind" value={duration(of.copies_behind_seconds * 1000)} note="the oldest edit without a copy" bad={of.copies_behind_seconds > 600} />
      <Figure
        name="Webhooks" bad={webhooks.failing > 0} value={webhooks.on ? count(webhooks.waiting) : "off"}
        note={webhooks.on ? `waiting; ${many(webhooks.failing, "queue")} failing` : "no receiver is set"}
      />
      {backup && (
        <Figure
          name="Last backup" bad={!backup.on} value={backup.last === null ? "none" : `${duration(now - backup.last)} ago`}
          note={backup.last === null ? (backup.on ? "since the start" : "no backup is set up") : time(backup.last)}
        />
      )}
    </dl>
  );
}

function Figure({ name, value, note, bad = false }: { name: string; value: string; note: string; bad?: boolean }) {
  return (
    <div className={bad ? "figure bad" : "figure"}>
      <dt>{name}</dt>
      <dd>{value}<small>{note}</small></dd>
    </div>
  );
}

// whole leaves out the minute that is not over: its line would fall at the end of every chart.
function whole({ minutes, now }: Overview): Minute[] {
  const last = minutes.at(-1);
  return minutes.length > 1 && last !== undefined && now < last.at + 60_000 ? minutes.slice(0, -1) : minutes;
}

function Trends({ minutes }: { minutes: Minute[] }) {
  const at = minutes.map((minute) => minute.at / 1000);
  const line = (title: string, name: keyof Minute, color: "accent" | "good" | "warn" | "danger") =>
    ({ title, color, values: minutes.map((minute) => minute[name]) });
  return (
    <section className="trends" aria-label="The last hour, by the minute">
      <Chart title="Requests" counts at={at} lines={[line("all", "requests", "accent"), line("refused", "refused", "warn"), line("errors", "errors", "danger")]} />
      <Chart title="Rows" counts at={at} lines={[line("pushed", "pushed_rows", "accent"), line("pulled", "pulled_rows", "good")]} />
      <Chart title="Notifications" counts at={at} lines={[line("of rows", "notifications", "accent"), line("of documents", "updates", "good")]} />
      <Chart title="Sockets" at={at} lines={[line("most at a time", "sockets", "accent")]} />
    </section>
  );
}

function Versions({ of: { server, abi, storage, tables_version, now } }: { of: Overview }) {
  return (
    <section className="card" aria-labelledby="versions">
      <h2 id="versions">Server</h2>
      <dl className="facts two">
        <dt>Runs on</dt><dd>{server.host === "workers" ? "Cloudflare Workers" : "its own machine"}</dd>
        <dt>Version</dt><dd>{server.version}</dd>
        <dt>Since</dt><dd>{time(server.since)}, for {duration(now - server.since)}</dd>
        <dt>Host interface</dt><dd>{abi}</dd>
        <dt>Storage</dt><dd>{storage}</dd>
        <dt>Tables</dt><dd>version {tables_version}</dd>
      </dl>
      {server.of === "isolate" && <p className="hint">The figures are of the isolate that answered. Cloudflare runs several, and each counts for itself.</p>}
    </section>
  );
}
