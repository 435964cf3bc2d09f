import { useEffect, useState, type FormEvent } from "react";
import { devLogin, hasDevLogin, session, signIn } from "./session";

/** The page for whoever is new on this device. */
export function SignIn() {
  return (
    <main className="sign-in">
      <h1><img src="/icon.svg" alt="" width="40" height="40" /> Tidemark</h1>
      <p>Customers, products and projects that work offline and are everywhere at once.</p>
      <SignInForm />
    </main>
  );
}

/** Asks for a name where the server is in development, and for a token elsewhere. */
export function SignInForm({ subject }: { subject?: string }) {
  const [dev, setDev] = useState<boolean | null>(); // undefined: asking
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const ask = () => void hasDevLogin().then(setDev);
    ask();
    addEventListener("online", ask);
    return () => removeEventListener("online", ask);
  }, []);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text")).trim();
    try {
      await signIn(dev ? await devLogin(subject ?? text) : text);
      if (subject !== undefined && session.get()?.subject !== subject) location.reload();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };

  if (dev === undefined) return null;
  if (dev === null) return <p role="status">The server cannot be reached.</p>;
  return (
    <form onSubmit={submit}>
      {dev && subject !== undefined ? (
        <input type="hidden" name="text" value={subject} />
      ) : (
        <label>
          {dev ? "Your name" : "Your token"}
          <input name="text" required maxLength={dev ? 64 : 8192} autoComplete={dev ? "name" : "off"} autoFocus />
        </label>
      )}
      <button type="submit" className="primary">{subject === undefined ? "Sign in" : `Sign in again as ${subject}`}</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}
