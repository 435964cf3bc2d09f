import { lazy, Suspense, useState } from "react";
import { root } from "./reach";
import { remembered, type Session } from "./session";

const SpacesDialog = lazy(async () => ({ default: (await import("./SpaceList")).SpacesDialog }));

/** What the page calls a space. */
export function titleOf(subject: string, space: string): string {
  if (space === root) return "Everyone";
  return space === remembered(subject).personal ? "Personal" : space;
}

export interface SpaceProps {
  session: Session;
  /** The space that is shown. */
  space: string;
}

/** Shows in which space the person is, and opens the list of all. */
export function SpaceButton({ session, space }: SpaceProps) {
  const [open, setOpen] = useState(false);
  const title = titleOf(session.subject, space);
  return (
    <>
      <button type="button" className="space" aria-haspopup="dialog" aria-label={`Space: ${title}. Change.`} onClick={() => setOpen(true)}>
        <span>{title}</span> <span aria-hidden="true">▾</span>
      </button>
      {open && <Suspense><SpacesDialog session={session} space={space} onClose={() => setOpen(false)} /></Suspense>}
    </>
  );
}
