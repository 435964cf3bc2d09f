import { useEffect, useRef, type ReactNode } from "react";

interface Props {
  title: string;
  /** What the button that submits says. */
  action: string;
  danger?: boolean;
  onSubmit(form: FormData): void;
  onClose(): void;
  children?: ReactNode;
}

/** A modal form; Escape closes it. */
export function Dialog({ title, action, danger = false, onSubmit, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="dialog-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit(new FormData(event.currentTarget));
        }}
      >
        <h2 id="dialog-title">{title}</h2>
        {children}
        <div className="buttons">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className={danger ? "danger" : "primary"}>{action}</button>
        </div>
      </form>
    </dialog>
  );
}
