import { useRef, useState, type FormEvent } from "react";
import { useModal } from "../../src/Dialog";
import { call } from "./api";
import { Empty, Shown, useLoad } from "./load";
import type { PageKind } from "./pages";
import { hrefIn, titleOf } from "./route";

interface Props {
  place: string;
  /** The page that the links open in another place. */
  page: PageKind;
  /** The token may list spaces. */
  searches: boolean;
}

/** Says whether the page shows the root or a space, and goes to another one. */
export function PlaceChooser({ place, page, searches }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <div className="place">
      <h1>{page.title}</h1>
      <span className="soft">of</span>
      <button type="button" onClick={() => setOpen(true)} aria-haspopup="dialog" aria-label={`${page.title} of ${titleOf(place)}. Choose another place.`}>
        <b>{place === "" ? "the root" : place}</b> <span aria-hidden="true">▾</span>
      </button>
      {open && <Places place={place} page={page} searches={searches} onClose={() => setOpen(false)} />}
    </div>
  );
}

function Places({ place, page, searches, onClose }: Props & { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [name, setName] = useState("");
  useModal(dialog);
  const link = (to: string, title: string) => (
    <li key={to}><a href={hrefIn(to, [page.name])} aria-current={to === place ? "true" : undefined} onClick={onClose}>{title}</a></li>
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    location.hash = hrefIn(name, [page.name]);
    onClose();
  };
  return (
    <dialog ref={dialog} className="spaces" onClose={onClose} aria-labelledby="places-title">
      <h2 id="places-title">{page.title} of</h2>
      <ul>{link("", "The root")}</ul>
      <form onSubmit={submit}>
        <label>
          {searches ? "A space, by the start of its name" : "The name of a space"}
          <input value={name} onChange={(event) => setName(event.target.value.trim())} maxLength={64} autoComplete="off" autoCapitalize="off" spellCheck={false} autoFocus />
        </label>
        {searches && <Found prefix={name} link={link} />}
        <div className="buttons">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="primary" disabled={name === ""}>Open {name === "" ? "the space" : name}</button>
        </div>
      </form>
    </dialog>
  );
}

const most = 8;

function Found({ prefix, link }: { prefix: string; link(to: string, title: string): React.ReactNode }) {
  const found = useLoad(
    async (signal) => (await call<{ spaces: { name: string }[]; next: string | null }>("GET", "/spaces", undefined, { query: { prefix, limit: most }, signal })).body,
    [prefix],
  );
  return (
    <Shown of={found}>
      {({ spaces, next }) =>
        spaces.length === 0 ? <Empty>No space has a name that starts like this.</Empty> : (
          <>
            <ul>{spaces.map(({ name }) => link(name, name))}</ul>
            {next !== null && <p className="hint">There are more: type more of the name.</p>}
          </>
        )
      }
    </Shown>
  );
}
