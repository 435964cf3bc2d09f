import { useEffect, useState, type FormEvent } from "react";
import { devSignIn, hasDevLogin, session, signIn } from "./session";

/** The page for a person who is not signed in on this device. */
export function SignIn() {
  return (
    <main className="sign-in">
      <h1><img src="/icon.svg" alt="" width="40" height="40" /> Tidemark</h1>
      <p>Customers, products and projects. They work offline and sync to all your devices.</p>
      <SignInForm />
    </main>
  );
}

/** Asks for a name if the server is in development mode, and for a token otherwise. */
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
      await (dev ? devSignIn(subject ?? text) : signIn(text));
      if (subject !== undefined && session.get()?.subject !== subject) location.reload();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };

  if (dev === undefined) return null;
  if (dev === null) return <p role="status">Cannot reach the server.</p>;
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
