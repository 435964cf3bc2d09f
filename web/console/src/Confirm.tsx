import { useEffect, useRef, useState, type ReactNode } from "react";
import { Dialog } from "../../src/Dialog";
import { Failure } from "./api";
import { Problem } from "./load";
import { say, type Done } from "./notices";

interface Props {
  /** What will be done, as a question: "Delete the space acme?" */
  title: string;
  /** The text of the button. */
  action: string;
  danger?: boolean;
  /** The person must type this first. */
  typed?: string;
  /** Does it. The page then says what was done. */
  onConfirm(form: FormData): Promise<Done>;
  onClose(): void;
  /** What will be different afterwards. */
  children?: ReactNode;
}

/**
 * Asks before a change, shows the server's error if it was not made, and says what was done if it was. If the person closes
 * it while the request runs, the request goes on, and the page says how it ended.
 */
export function Confirm({ title, action, danger, typed, onConfirm, onClose, children }: Props) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const open = useRef(true);
  useEffect(() => () => void (open.current = false), []);
  const submit = async (form: FormData) => {
    if (typed !== undefined && form.get("typed") !== typed) return setError(new Error(`This is not the name: type ${typed}.`));
    setBusy(true);
    setError(undefined);
    try {
      say(await onConfirm(form));
      if (open.current) onClose(); // and not another dialog that is open by now
    } catch (error) {
      const { name, message } = error as Error;
      if (open.current) {
        setError(error as Error);
        setBusy(false);
      } else if (name !== "AbortError") {
        say({ text: `“${title}” failed: ${message}`, requestId: error instanceof Failure ? error.requestId : "", failed: true });
      }
    }
  };
  return (
    <Dialog title={title} action={busy ? "Working…" : action} danger={danger} onSubmit={submit} onClose={onClose}>
      {children}
      {typed !== undefined && (
        <label>
          <span>Type <b>{typed}</b> to confirm</span>
          <input name="typed" required autoComplete="off" autoCapitalize="off" spellCheck={false} autoFocus />
        </label>
      )}
      {error && <Problem error={error} />}
    </Dialog>
  );
}
