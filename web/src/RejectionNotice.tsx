import { useSyncExternalStore } from "react";
import { rejections, type RejectedChange } from "./rejections";
import { titleOf } from "./spaceTitle";

const shownAtMost = 5;

interface Props {
  subject: string;
  /** The space that is shown. */
  space: string;
  /** Called when the notice and its button are gone. */
  onDismiss(): void;
}

/** Tells which changes the server rejected by themselves, and why. The rows are already as the server has them. */
export function RejectionNotice({ subject, space, onDismiss }: Props) {
  const changes = useSyncExternalStore(rejections.subscribe, rejections.get);
  if (changes.length === 0) return null;

  const textOf = (change: RejectedChange) => {
    const place = [change.table, change.column].filter(Boolean).join(", ");
    return `${change.space === space ? "" : `${titleOf(subject, change.space)}: `}${place}: ${change.reason}`;
  };
  return (
    <section className="problem rejected" aria-label="Rejected changes">
      <div role="alert">
        <p>The server did not take {changes.length === 1 ? "1 change" : `${changes.length} changes`}:</p>
        <ul>
          {changes.slice(0, shownAtMost).map((change) => (
            <li key={JSON.stringify(change)}>{textOf(change)}</li>
          ))}
          {changes.length > shownAtMost && <li>and {changes.length - shownAtMost} more</li>}
        </ul>
      </div>
      <button
        type="button"
        onClick={() => {
          rejections.dismiss();
          onDismiss();
        }}
      >
        Dismiss
      </button>
    </section>
  );
}
