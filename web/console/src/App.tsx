import { useToken } from "./session";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

export function App() {
  const token = useToken();
  return token === null ? <SignIn /> : <Shell key={token} />;
}
