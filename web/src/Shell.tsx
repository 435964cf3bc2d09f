import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { ClosedError } from "tidemark-client";
import { saveRooms, useSyncState, useTidemark, useUnsavedRooms } from "tidemark-client/react";
import { records, type Device } from "./device";
import { kitSession } from "./kitSession";
import { customers } from "./records/customers";
import { products } from "./records/products";
import { RecordsPage } from "./records/RecordsPage";
import { RejectionNotice } from "./RejectionNotice";
import { href, useRoute } from "./route";
import { saveProjectsOf } from "./saving";
import type { Session } from "./session";
import { SignInForm } from "./SignIn";
import { SpaceButton } from "./Spaces";
import { StatusChip } from "./StatusChip";
import { ThemeButton } from "./ThemeButton";

const SignOut = lazy(() => import("./SignOut"));
const SyncInspector = lazy(() => import("./SyncInspector"));
const ProjectsPage = lazy(() => import("./projects/ProjectsPage"));

const pages = [
  ["customers", "Customers"],
  ["products", "Products"],
  ["projects", "Projects"],
] as const;

interface Props {
  device: Device;
  session: Session;
  /** The server has rejected the token. */
  expired: boolean;
  onUnauthorized(): void;
}

let shown = false; // a space, since the page was opened

/** Surrounds every page with the header, and is the one place that starts synchronization. */
export function Shell({ device, session, expired, onUnauthorized }: Props) {
  const { database, source, server, space } = device;
  const { subject } = session;
  const tidemark = useTidemark();
  const notes = useUnsavedRooms(tidemark);
  const state = useSyncState(database);
  const unsynced = state.unsynced + notes;
  const [leaving, setLeaving] = useState(false);
  const [inspecting, setInspecting] = useState(false);
  const [page = "customers", ...rest] = useRoute();
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    if (import.meta.env.DEV) void import("tidemark-client/inspect").then(({ installInspector }) => installInspector({ server, database }));
  }, [database]);

  // The link to another space is gone, and the focus with it.
  useEffect(() => {
    if (shown) main.current?.focus();
    shown = true;
  }, []);

  useEffect(() => {
    if (expired) return;
    return kitSession(subject).sync(database, source, { space, name: device.label(records) });
  }, [database, expired]);
  useEffect(() => {
    if (expired) return;
    const save = async () => {
      void saveRooms(tidemark);
      await saveProjectsOf(device);
    };
    void save();
    addEventListener("online", save);
    return () => removeEventListener("online", save);
  }, [tidemark, expired]);
  useEffect(() => {
    if (state.unauthorized) onUnauthorized();
  }, [state.error]);

  return (
    <>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <header className="bar">
        <span className="brand"><img src="/icon.svg" alt="" width="24" height="24" /> Tidemark</span>
        <nav aria-label="Pages">
          {pages.map(([name, title]) => (
            <a key={name} href={href(name)} aria-current={name === page ? "page" : undefined}>{title}</a>
          ))}
        </nav>
        <SpaceButton session={session} space={space} />
        <div className="who">
          <StatusChip state={state} unsynced={unsynced} expired={expired} />
          <button type="button" className="quiet" onClick={() => setInspecting(!inspecting)} aria-expanded={inspecting} aria-label="Sync inspector" title="Sync inspector">
            <span aria-hidden="true">ℹ</span>
          </button>
          <ThemeButton />
          <button type="button" className="quiet" onClick={() => setLeaving(true)} title={`Signed in as ${subject}`}>Sign out</button>
        </div>
      </header>
      {leaving && <Suspense><SignOut subject={subject} onClose={() => setLeaving(false)} /></Suspense>}
      {expired && (
        <section className="expired" aria-label="Sign in again">
          <p role="alert">
            Your sign-in has expired. You can go on working: this device keeps your changes
            {unsynced > 0 && ` (${unsynced} not synced yet)`}.
          </p>
          <SignInForm subject={subject} />
        </section>
      )}
      {state.phase === "refused" && !state.unauthorized && !server.signal?.aborted && (
        <p className="problem" role="alert">
          {state.error instanceof ClosedError ? state.error.message : `The server rejected the sync: ${state.error?.message}`}
        </p>
      )}
      <RejectionNotice subject={subject} space={space} onDismiss={() => main.current?.focus()} />
      <main id="main" tabIndex={-1} ref={main}>
        {page === "customers" && <RecordsPage key={page} kind={customers} database={database} id={rest[0]} />}
        {page === "products" && <RecordsPage key={page} kind={products} database={database} id={rest[0]} />}
        {page === "projects" && (
          <Suspense fallback={<p role="status">Opening…</p>}>
            <ProjectsPage device={device} subject={subject} id={rest[0]} expired={expired} onUnauthorized={onUnauthorized} />
          </Suspense>
        )}
      </main>
      {inspecting && (
        <Suspense>
          <SyncInspector device={device} page={page} id={rest[0]} onClose={() => setInspecting(false)} />
        </Suspense>
      )}
    </>
  );
}
