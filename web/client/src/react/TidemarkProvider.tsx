import { createContext, useContext, type ReactNode } from "react";
import type { RoomOptions } from "../documents/options.js";

/** The person, as others see them beside the cursor. */
export interface Person {
  name: string;
  /** A CSS colour on which white text is readable. */
  color: string;
}

export interface Tidemark extends RoomOptions {
  person: Person;
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
