// The kit's session of each person who has signed in since the page was opened.
import type { Server } from "tidemark-client";
import { Session } from "tidemark-client/session";
import { session } from "./session";

const sessions = new Map<string, Session>();

export function kitSession(subject: string): Session {
  const known = sessions.get(subject);
  if (known !== undefined) return known;
  const opened = new Session({ url: location.origin, subject, token: () => session.get()?.token ?? null });
  sessions.set(subject, opened);
  return opened;
}

/** The server as a person sees it in a space. Nobody else's token goes with the person's data. */
export const serverOf = (subject: string, space: string): Server => kitSession(subject).server(space);
