import { useId, type InputHTMLAttributes, type ReactNode } from "react";

/** A box for a name or a glob, which no browser should correct, with a hint that is not part of its label. */
export function Field({ title, hint, ...input }: { title: string; hint?: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="field">
      <label>
        {title}
        <input autoComplete="off" autoCapitalize="off" spellCheck={false} aria-describedby={hint ? id : undefined} {...input} />
      </label>
      {hint && <small id={id}>{hint}</small>}
    </div>
  );
}
