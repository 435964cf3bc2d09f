import { lazy, Suspense, useSyncExternalStore } from "react";
import { session } from "./session";
import { SignIn } from "./SignIn";

// The browser fetches it at once. A person who must sign in does not wait for it.
const loading = import("./Person");
const Person = lazy(() => loading);

/** Shows the signed-in person's data, or the sign-in page. */
export function App() {
  const signedIn = useSyncExternalStore(session.subscribe, session.get);
  if (signedIn === null) return <SignIn />;
  return (
    <Suspense fallback={<p role="status">Opening…</p>}>
      <Person key={signedIn.subject} session={signedIn} />
    </Suspense>
  );
}
