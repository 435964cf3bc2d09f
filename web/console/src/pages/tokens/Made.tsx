import { useEffect, useRef, useState } from "react";
import { time } from "../../words";

export interface MadeToken {
  token: string;
  jti: string;
  subject: string;
  expiresAt: number;
}

/** A new token. The server does not keep it, and the page forgets it when the person goes on. */
export function Made({ token: { token, jti, subject, expiresAt }, onClose }: { token: MadeToken; onClose(): void }) {
  const [copied, setCopied] = useState("");
  const text = useRef<HTMLTextAreaElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    setCopied("");
    title.current?.focus();
  }, [token]);
  const copy = async () => {
    text.current!.select();
    // A page that is not from https or this machine has no clipboard, and a browser may refuse it. The old way is left then.
    const written = await navigator.clipboard?.writeText(token).then(() => true, () => false);
    setCopied(written || document.execCommand("copy") ? "It is in the clipboard." : "The browser did not copy it. Copy the selected text.");
  };
  return (
    <section className="card made" aria-labelledby="made-title">
      <h2 id="made-title" ref={title} tabIndex={-1}>A token for {subject}</h2>
      <p>Copy it now. The server does not keep it, so nobody can show it again.</p>
      <textarea ref={text} readOnly rows={4} value={token} aria-label="The token" spellCheck={false} onFocus={(event) => event.currentTarget.select()} />
      <dl className="facts">
        <dt>Ends</dt><dd>{time(expiresAt)}</dd>
        <dt>Id, to revoke it</dt><dd><code>{jti}</code></dd>
      </dl>
      <div className="actions">
        <button type="button" className="primary" onClick={() => void copy()}>Copy</button>
        <button type="button" onClick={onClose}>Forget it</button>
        <span role="status" className="copied">{copied}</span>
      </div>
    </section>
  );
}
