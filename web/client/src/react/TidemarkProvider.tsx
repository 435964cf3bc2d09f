import { createContext, useContext, type ReactNode } from "react";
import type { Server } from "../server.js";

/** The person, as others see them beside the cursor. */
export interface Person {
  name: string;
  /** A CSS colour on which white text is readable. */
  color: string;
}

export interface Tidemark {
  server: Server;
  person: Person;
  /** The subject of the token. Documents are stored on the device under the server, the subject and the space. */
  subject: string;
  /** The prefix under which the app stored this subject's documents before. They move to their new names. */
  storage?: string;
  /** Called when the server closed a room with a final code (4401: sign in again). `new ClosedError(code, reason)` has a text for people. */
  onRefused?(code: number, reason: string): void;
}

const Context = createContext<Tidemark | null>(null);

/** Gives the components below their server and their person. Keep `value` the same object between renders. */
export function TidemarkProvider({ value, children }: { value: Tidemark; children: ReactNode }) {
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useTidemark(): Tidemark {
  const value = useContext(Context);
  if (value === null) throw new Error("there is no <TidemarkProvider> around this component");
  return value;
}
