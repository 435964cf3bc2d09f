import { useEffect, useRef, useState, type FormEvent } from "react";
import { useModal } from "./Dialog";
import { kitSession } from "./kitSession";
import { root } from "./reach";
import { hrefIn, useRoute } from "./route";
import { devSignIn, hasDevLogin, join, remembered, spacesOf } from "./session";
import { titleOf, type SpaceProps } from "./spaceTitle";

/** The list of the person's spaces, new teams, and the invitation to the space that is shown. */
export function SpacesDialog({ session, space, onClose }: SpaceProps & { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const dev = useDevLogin();
  const [page = "customers"] = useRoute();
  const [problem, setProblem] = useState("");
  useModal(dialog);

  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    try {
      await devSignIn(session.subject, name);
      location.hash = hrefIn(name);
      onClose();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="spaces-title" className="spaces">
      <h2 id="spaces-title">Spaces</h2>
      <ul>
        {spacesOf(session).map((name) => (
          <li key={name}>
            <a href={hrefIn(name, page)} aria-current={name === space ? "true" : undefined} onClick={onClose}>
              <b>{titleOf(session.subject, name)}</b>
              <Unsynced subject={session.subject} space={name} />
            </a>
          </li>
        ))}
      </ul>
      {space !== root && space !== remembered(session.subject).personal && <Invitation space={space} dev={dev} />}
      {dev && (
        <form className="line-form" onSubmit={(event) => void create(event)}>
          <label>New team <input name="name" required maxLength={64} pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" title="Letters, digits, dots, _ and -" /></label>
          <button type="submit">Create team</button>
          {problem && <p role="alert">{problem}</p>}
        </form>
      )}
      <div className="buttons"><button type="button" onClick={onClose}>Close</button></div>
    </dialog>
  );
}

function Unsynced({ subject, space }: { subject: string; space: string }) {
  const [count, setCount] = useState(0);
  useEffect(() => void kitSession(subject).unsyncedWork(space).then(({ total }) => setCount(total)), [subject, space]);
  return count > 0 && <span>{count} not synced yet</span>;
}

/** A link to the team, for others. */
function Invitation({ space, dev }: { space: string; dev: boolean }) {
  const [copied, setCopied] = useState(false);
  const link = `${location.origin}/#/join/${space}`;
  return (
    <div className="line-form">
      <label>Invite to {space} by this link <input readOnly value={link} onFocus={(event) => event.target.select()} /></label>
      <button type="button" onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}>{copied ? "Copied" : "Copy"}</button>
      <p className="hint">
        {dev ? "Whoever opens the link may join." : "Only those whose sign-in includes this space can join."}
      </p>
    </div>
  );
}

/** Lets the person join the team of an invitation. */
export function Join({ session, space }: SpaceProps) {
  const { subject, reach } = session;
  const dev = useDevLogin();
  const [problem, setProblem] = useState("");
  const accept = async () => {
    try {
      if (reach.includes(space)) join(subject, space);
      else await devSignIn(subject, space);
      location.hash = hrefIn(space);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  if (!reach.includes(space) && !dev) return <NotIncluded session={session} space={space} />;
  return (
    <main className="sign-in">
      <h1>Join {space}</h1>
      <p>You see what this team writes, and the team sees what you write there. Your other spaces stay as they are.</p>
      <button type="button" className="primary" onClick={() => void accept()}>Join as {subject}</button>
      <a href={hrefIn(root)}>Do not join</a>
      {problem && <p role="alert">{problem}</p>}
    </main>
  );
}

/** Says that the person's token does not include a space. */
export function NotIncluded({ session, space }: SpaceProps) {
  const dev = useDevLogin();
  return (
    <main className="sign-in">
      <h1>{space || "Everyone"}</h1>
      <p role="alert">Your sign-in does not include this space. Whoever manages your sign-in can add it.</p>
      {dev && <a href={`#/join/${space}`}>Join it</a>}
      {spacesOf(session).map((name) => <a key={name} href={hrefIn(name)}>Go to {titleOf(session.subject, name)}</a>)}
    </main>
  );
}

// useDevLogin reports whether the server gives tokens for names.
function useDevLogin(): boolean {
  const [dev, setDev] = useState(false);
  useEffect(() => void hasDevLogin().then((has) => setDev(has === true)), []);
  return dev;
}
