// Loading, with the three states that every page shows: waiting, an error, and nothing there.
import { useCallback, useEffect, useState, type DependencyList, type ReactNode } from "react";
import { Failure } from "./api";

export interface Load<T> {
  /** Of the last load that succeeded, also while another one runs or after one that failed. */
  value: T | undefined;
  error: Error | undefined;
  loading: boolean;
  reload(): void;
}

interface State<T> {
  /** The deps to which the value and the error belong. */
  of: DependencyList;
  value?: T;
  error?: Error;
  loading: boolean;
}

// stateOf returns the state for deps. A value for other deps is not shown, not even once: the page would send requests to
// the new place with what it knows of the old one.
const stateOf = <T,>(state: State<T>, deps: DependencyList): State<T> =>
  state.of.every((dep, i) => Object.is(dep, deps[i])) ? state : { of: deps, loading: true };

/** Runs load at once, and again when deps change; what an earlier run returns then does not count. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: DependencyList): Load<T> {
  const [state, setState] = useState<State<T>>({ of: deps, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState((old) => ({ ...stateOf(old, deps), loading: true }));
    load(stop.signal).then(
      (value) => stop.signal.aborted || setState({ of: deps, value, loading: false }),
      (error: Error) => stop.signal.aborted || setState((old) => ({ ...old, error, loading: false })),
    );
    return () => stop.abort();
  }, [...deps, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const { value, error, loading } = stateOf(state, deps);
  return { value, error, loading, reload };
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A list of which the server returns one page at a time. */
export interface Pages<T> extends Load<Page<T>> {
  /** From 1. */
  number: number;
  /** There are other pages. It stays true when the person has gone to one, so that the buttons keep the focus while a page loads. */
  several: boolean;
  forward: (() => void) | undefined;
  back: (() => void) | undefined;
}

/** Loads the page behind a mark, null at first. Changed deps begin with the first page. */
export function usePages<T>(load: (after: string | null, signal: AbortSignal) => Promise<Page<T>>, deps: DependencyList): Pages<T> {
  const of = JSON.stringify(deps);
  const [marks, setMarks] = useState<{ of: string; list: string[]; turned: boolean }>({ of, list: [], turned: false });
  const list = marks.of === of ? marks.list : [];
  const after = list.at(-1) ?? null;
  const loaded = useLoad((signal) => load(after, signal), [...deps, after]);
  const next = loaded.value?.next ?? null;
  const turn = (list: string[]) => setMarks({ of, list, turned: true });
  return {
    ...loaded,
    number: list.length + 1,
    several: next !== null || (marks.of === of && marks.turned),
    forward: next === null ? undefined : () => turn([...list, next]),
    back: list.length === 0 ? undefined : () => turn(list.slice(0, -1)),
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
