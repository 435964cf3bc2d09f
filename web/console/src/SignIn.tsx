import { useEffect, useState, type FormEvent } from "react";
import { ThemeButton } from "../../src/ThemeButton";
import { call } from "./api";
import { Problem } from "./load";
import { askMe } from "./me";
import { session } from "./session";

/** Asks for an operator's token. In development mode the server makes one. */
export function SignIn() {
  const [dev, setDev] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const reason = session.reason();
  useEffect(() => {
    fetch("/dev/login").then((response) => setDev(response.ok), () => {});
  }, []);

  const begin = async (get: () => Promise<string>) => {
    setBusy(true);
    setError(undefined);
    try {
      const token = await get();
      await askMe("", token);
      session.begin(token);
    } catch (error) {
      setError(error as Error);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("token")).trim();
    void begin(async () => {
      if (!/^[\w.-]+$/.test(text)) throw new Error("This is not a token: a token has letters, digits, points, hyphens and underscores only.");
      return text;
    });
  };
  const develop = () =>
    void begin(async () => (await call<{ token: string }>("POST", "/dev/login", { name: "operator", operator: true }, { token: "none" })).body.token);

  return (
    <main className="sign-in">
      <h1><img src="/icon.svg" alt="" width="40" height="40" /> Console</h1>
      <p>Operators see and change here what a running Tidemark has. The token needs <code>sync:admin</code>, and <code>spaces:admin</code> to list spaces.</p>
      {reason !== "" && <p className="problem" role="alert">{reason}</p>}
      <form onSubmit={submit}>
        <label>
          An operator's token
          <input name="token" type="password" required maxLength={8192} autoComplete="off" autoFocus />
        </label>
        <button type="submit" className="primary" disabled={busy}>Sign in</button>
        {dev && <button type="button" disabled={busy} onClick={develop}>Sign in as a developer</button>}
        {error && <Problem error={error} />}
      </form>
      <p className="hint">The command <code>tidemark token --operator</code> makes a token. The page keeps it in this tab until you sign out or close the tab.</p>
      <div className="corner"><ThemeButton /></div>
    </main>
  );
}
