import { useState } from "react";
import { Dialog } from "./Dialog";
import { unsyncedWork } from "./removal";
import { signOut } from "./session";

interface Props {
  subject: string;
  onClose(): void;
}

/** Asks whether to remove the person's data from this device. The default keeps it if some of it is unsynced. */
export function SignOut({ subject, onClose }: Props) {
  const [unsynced] = useState(() => unsyncedWork(subject));
  const [remove, setRemove] = useState(unsynced === 0);
  const warning =
    unsynced === 1
      ? "1 change is not on the server yet. Removing your data loses it."
      : `${unsynced} changes are not on the server yet. Removing your data loses them.`;
  return (
    <Dialog title="Sign out" action="Sign out" danger={remove && unsynced > 0} onSubmit={async () => signOut(remove)} onClose={onClose}>
      {unsynced > 0 && <p role="alert">{warning}</p>}
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
