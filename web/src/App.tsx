import { lazy, Suspense, useSyncExternalStore } from "react";
import { session } from "./session";
import { SignIn } from "./SignIn";

// Fetched at once, but not waited for by whoever has to sign in first.
const loading = import("./Person");
const Person = lazy(() => loading);

/** The person's data on this device; the page that asks for a name if there is none. */
export function App() {
  const signedIn = useSyncExternalStore(session.subscribe, session.get);
  if (signedIn === null) return <SignIn />;
  return (
    <Suspense fallback={<p role="status">Opening…</p>}>
      <Person key={signedIn.subject} session={signedIn} />
    </Suspense>
  );
}
