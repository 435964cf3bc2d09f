import { lazy, Suspense, useState } from "react";
import { titleOf, type SpaceProps } from "./spaceTitle";

const SpacesDialog = lazy(async () => ({ default: (await import("./SpaceList")).SpacesDialog }));

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
