import { useLayoutEffect, useRef, type ReactNode, type RefObject } from "react";

interface Props {
  title: string;
  /** The text of the submit button. */
  action: string;
  danger?: boolean;
  /** The dialog does not call it again before its promise has settled. */
  onSubmit(form: FormData): Promise<void>;
  onClose(): void;
  children?: ReactNode;
}

/** Shows a dialog as a modal one until its component goes. The focus then returns to where it was, as the dialog is closed before it leaves the page. */
export function useModal(dialog: RefObject<HTMLDialogElement | null>): void {
  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    return () => element.close();
  }, []);
}

/** A modal form; Escape closes it. */
export function Dialog({ title, action, danger = false, onSubmit, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const busy = useRef(false);
  useModal(dialog);
  const submit = async (form: FormData) => {
    if (busy.current) return;
    busy.current = true;
    try {
      await onSubmit(form);
    } finally {
      busy.current = false;
    }
  };
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="dialog-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
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
