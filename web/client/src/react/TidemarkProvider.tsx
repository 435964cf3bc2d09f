import { createContext, useContext, type ReactNode } from "react";
import type { Server } from "../server.js";

/** Who writes, as others see it beside the cursor. */
export interface Person {
  name: string;
  /** A CSS colour that white text can be read on. */
  color: string;
}

export interface Tidemark {
  server: Server;
  person: Person;
  /** The prefix of names in IndexedDB, so that two people on one device do not share notes. */
  storage: string;
  /** The server refused a room for good (4401: sign in again). */
  onRefused?(code: number, reason: string): void;
}

const Context = createContext<Tidemark | null>(null);

/** Says which server the components below talk to, and for whom. Keep `value` the same object between renders. */
export function TidemarkProvider({ value, children }: { value: Tidemark; children: ReactNode }) {
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useTidemark(): Tidemark {
  const value = useContext(Context);
  if (value === null) throw new Error("there is no <TidemarkProvider> around this component");
  return value;
}
