import { useEffect, useState } from "react";
import type { TableWork, UnsyncedWork } from "tidemark-client/session";
import { Dialog } from "./Dialog";
import { kitSession } from "./kitSession";
import { oldUnsyncedWork } from "./removal";
import { signOut } from "./session";

// How long the sign-out may wait for the server to take the last changes.
const lastSyncMillis = 3000;

interface Props {
  subject: string;
  onClose(): void;
}

/** Says what the server does not have yet, and asks whether to remove the person's data from this device. */
export default function SignOut({ subject, onClose }: Props) {
  const [work, setWork] = useState<UnsyncedWork>();
  useEffect(() => void kitSession(subject).unsyncedWork().then(setWork), [subject]);
  return work && <Question subject={subject} work={work} onClose={onClose} />;
}

/** The default keeps the data if some of it is unsynced. */
function Question({ subject, work, onClose }: Props & { work: UnsyncedWork }) {
  const unsynced = work.total + oldUnsyncedWork(subject);
  const [remove, setRemove] = useState(unsynced === 0);
  const warning =
    unsynced === 1
      ? "1 change is not on the server yet. Removing your data loses it."
      : `${unsynced} changes are not on the server yet. Removing your data loses them.`;
  const leave = async () => {
    const left = await kitSession(subject).end({ lastSyncMillis });
    signOut(remove && left.total <= unsynced); // a change since the question stays
  };
  return (
    <Dialog title="Sign out" action="Sign out" danger={remove && unsynced > 0} onSubmit={leave} onClose={onClose}>
      {unsynced > 0 && (
        <div role="alert">
          <p>{warning}</p>
          <ul className="work">{linesOf(work).map((line) => <li key={line}>{line}</li>)}</ul>
        </div>
      )}
      <label className="choice">
        <input type="radio" name="data" checked={remove} onChange={() => setRemove(true)} />
        Remove my data from this device
      </label>
      <label className="choice">
        <input type="radio" name="data" checked={!remove} onChange={() => setRemove(false)} />
        Keep my data on this device until {subject} signs in again
      </label>
    </Dialog>
  );
}

/** Returns the work in lines such as "customers: 2 new, 1 deleted". */
function linesOf({ tables, rooms }: UnsyncedWork): string[] {
  const lines = Object.entries(tables).map(([table, work]) => `${table}: ${wordsOf(work)}`);
  return rooms.length > 0 ? [...lines, `notes: ${rooms.length} edited`] : lines;
}

const wordsOf = ({ created, updated, deleted }: TableWork) =>
  [[created, "new"], [updated, "edited"], [deleted, "deleted"]].filter(([count]) => count !== 0).map((pair) => pair.join(" ")).join(", ");
