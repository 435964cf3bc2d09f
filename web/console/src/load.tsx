// Loading, with the three states that every page shows: waiting, an error, and nothing there.
import { useCallback, useEffect, useRef, useState, type DependencyList, type ReactNode } from "react";
import { Failure } from "./api";

export interface Load<T> {
  /** Of the last load that succeeded, also while another one runs or after one that failed. */
  value: T | undefined;
  error: Error | undefined;
  loading: boolean;
  reload(): void;
}

/** Runs load at once, and again when deps change; what an earlier run returns then does not count. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: DependencyList): Load<T> {
  const [state, setState] = useState<{ value?: T; error?: Error; loading: boolean }>({ loading: true });
  const [turn, setTurn] = useState(0);
  const before = useRef<DependencyList>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    const same = before.current?.every((dep, i) => Object.is(dep, deps[i])) ?? false;
    before.current = deps;
    setState((old) => ({ value: same ? old.value : undefined, error: same ? old.error : undefined, loading: true }));
    load(stop.signal).then(
      (value) => stop.signal.aborted || setState({ value, loading: false }),
      (error: Error) => stop.signal.aborted || setState((old) => ({ value: old.value, error, loading: false })),
    );
    return () => stop.abort();
  }, [...deps, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return { value: state.value, error: state.error, loading: state.loading, reload };
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A list of which the server returns one page at a time. */
export interface Pages<T> extends Load<Page<T>> {
  /** From 1. */
  number: number;
  forward: (() => void) | undefined;
  back: (() => void) | undefined;
}

/** Loads the page behind a mark, null at first. Changed deps begin with the first page. */
export function usePages<T>(load: (after: string | null, signal: AbortSignal) => Promise<Page<T>>, deps: DependencyList): Pages<T> {
  const of = JSON.stringify(deps);
  const [marks, setMarks] = useState<{ of: string; list: string[] }>({ of, list: [] });
  const list = marks.of === of ? marks.list : [];
  const after = list.at(-1) ?? null;
  const loaded = useLoad((signal) => load(after, signal), [...deps, after]);
  const next = loaded.value?.next ?? null;
  return {
    ...loaded,
    number: list.length + 1,
    forward: next === null ? undefined : () => setMarks({ of, list: [...list, next] }),
    back: list.length === 0 ? undefined : () => setMarks({ of, list: list.slice(0, -1) }),
  };
}

/** Shows a load: its value by children, and otherwise that it waits, or its error. */
export function Shown<T>({ of, children }: { of: Load<T>; children(value: T): ReactNode }) {
  return (
    <>
      {of.error !== undefined && <Problem error={of.error} onRetry={of.reload} />}
      {of.value !== undefined ? children(of.value) : of.error === undefined && <Waiting />}
    </>
  );
}

export const Waiting = ({ children = "Loading…" }: { children?: ReactNode }) => <p className="hint" role="status">{children}</p>;

export const Empty = ({ children }: { children: ReactNode }) => <p className="empty">{children}</p>;

/** An error in the words of the server, with the id of the request. */
export function Problem({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const id = error instanceof Failure ? error.requestId : "";
  return (
    <div className="problem" role="alert">
      <p>{error.message}</p>
      {id !== "" && <p className="id">Request <code>{id}</code></p>}
      {onRetry && <button type="button" onClick={onRetry}>Try again</button>}
    </div>
  );
}
