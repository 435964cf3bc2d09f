import { lazy, Suspense, useEffect, useState } from "react";
import { syncTriggers } from "tidemark-client";
import { saveRooms, useSyncState, useTidemark, useUnsavedRooms } from "tidemark-client/react";
import { source, type Device } from "./device";
import { customers } from "./records/customers";
import { products } from "./records/products";
import { RecordsPage } from "./records/RecordsPage";
import { href, useRoute } from "./route";
import { server } from "./session";
import { SignInForm } from "./SignIn";
import { SignOut } from "./SignOut";
import { StatusChip } from "./StatusChip";
import { ThemeButton } from "./ThemeButton";

const ProjectsPage = lazy(() => import("./projects/ProjectsPage"));

const pages = [
  ["customers", "Customers"],
  ["products", "Products"],
  ["projects", "Projects"],
] as const;

interface Props {
  device: Device;
  subject: string;
  /** The server has rejected the token. */
  expired: boolean;
  onUnauthorized(): void;
}

/** Surrounds every page with the header, and is the one place that starts synchronization. */
export function Shell({ device, subject, expired, onUnauthorized }: Props) {
  const { database, remember } = device;
  const tidemark = useTidemark();
  const notes = useUnsavedRooms(tidemark.storage);
  const state = useSyncState(database);
  const unsynced = state.unsynced + notes;
  const [leaving, setLeaving] = useState(false);
  const [page = "customers", ...rest] = useRoute();

  useEffect(() => {
    if (expired) return;
    return syncTriggers(database, source, { server });
  }, [database, expired]);
  useEffect(() => {
    if (expired) return;
    const save = async () => {
      void saveRooms(tidemark);
      if (device.waiting().length > 0) await (await import("./projects/open")).saveProjects(device);
    };
    void save();
    addEventListener("online", save);
    return () => removeEventListener("online", save);
  }, [tidemark, expired]);
  useEffect(() => remember("records", state.unsynced), [state.unsynced]);
  useEffect(() => {
    if (state.unauthorized) onUnauthorized();
  }, [state.error]);

  return (
    <>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to content
      </a>
      <header className="bar">
        <span className="brand"><img src="/icon.svg" alt="" width="24" height="24" /> Tidemark</span>
        <nav aria-label="Pages">
          {pages.map(([name, title]) => (
            <a key={name} href={href(name)} aria-current={name === page ? "page" : undefined}>{title}</a>
          ))}
        </nav>
        <div className="who">
          <StatusChip state={state} unsynced={unsynced} expired={expired} />
          <ThemeButton />
          <button type="button" className="quiet" onClick={() => setLeaving(true)} title={`Signed in as ${subject}`}>Sign out</button>
        </div>
      </header>
      {leaving && <SignOut subject={subject} notes={notes} onClose={() => setLeaving(false)} />}
      {expired && (
        <section className="expired" aria-label="Sign in again">
          <p role="alert">
            Your sign-in has expired. You can go on working: this device keeps your changes
            {unsynced > 0 && ` (${unsynced} not synced yet)`}.
          </p>
          <SignInForm subject={subject} />
        </section>
      )}
      {state.phase === "refused" && !state.unauthorized && (
        <p className="problem" role="alert">The server rejected the sync: {state.error?.message}</p>
      )}
      <main id="main" tabIndex={-1}>
        {page === "customers" && <RecordsPage key={page} kind={customers} database={database} id={rest[0]} />}
        {page === "products" && <RecordsPage key={page} kind={products} database={database} id={rest[0]} />}
        {page === "projects" && (
          <Suspense fallback={<p role="status">Opening…</p>}>
            <ProjectsPage device={device} subject={subject} id={rest[0]} expired={expired} onUnauthorized={onUnauthorized} />
          </Suspense>
        )}
      </main>
    </>
  );
}
