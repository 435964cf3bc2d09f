import { useState } from "react";
import { Make } from "./tokens/Make";
import { Made, type MadeToken } from "./tokens/Made";
import { Revoke } from "./tokens/Revoke";
import "./tokens/tokens.css";

/** Makes a token, which is shown once, and revokes tokens. */
export function Tokens() {
  const [made, setMade] = useState<MadeToken>();
  return (
    <>
      {made && <Made token={made} onClose={() => setMade(undefined)} />}
      <Make onMade={setMade} />
      <Revoke />
    </>
  );
}
