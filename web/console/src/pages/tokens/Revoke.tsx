import { useState, type FormEvent } from "react";
import { call } from "../../api";
import { Confirm } from "../../Confirm";
import { Field } from "../../Field";
import { many } from "../../words";

type Of = { sub: string } | { jti: string };

/** Ends the sessions of a subject, or of one token. */
export function Revoke() {
  const [of, setOf] = useState<Of>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get("name")).trim();
    setOf(form.get("kind") === "sub" ? { sub: name } : { jti: name });
  };
  return (
    <section className="card" aria-labelledby="revoke-title">
      <h2 id="revoke-title">Revoke tokens</h2>
      <form className="tools" onSubmit={submit}>
        <label>
          What
          <select name="kind">
            <option value="sub">All tokens of a subject, as of now</option>
            <option value="jti">The token with an id</option>
          </select>
        </label>
        <Field title="Subject or id" name="name" required maxLength={256} />
        <button type="submit" className="danger-text">Revoke…</button>
      </form>
      {of && <Ask of={of} onClose={() => setOf(undefined)} />}
    </section>
  );
}

function Ask({ of, onClose }: { of: Of; onClose(): void }) {
  const what = "sub" in of ? `all tokens of ${of.sub}` : `the token ${of.jti}`;
  const revoke = async () => {
    let rooms = 0;
    for (let next: string | undefined; ; ) {
      const { body, requestId } = await call<{ rooms: number; next?: string }>("POST", "/auth/revoke", { ...of, next });
      rooms += body.rooms;
      next = body.next;
      if (next === undefined) return { text: `The server rejects ${what} within a minute. It has told ${many(rooms, "room")} to close sockets.`, requestId };
    }
  };
  return (
    <Confirm title={`Revoke ${what}?`} action="Revoke" danger onConfirm={revoke} onClose={onClose}>
      <p>Requests with {"sub" in of ? "them" : "it"} get 401. The server closes open sockets. Nobody can undo this.{"sub" in of && " Tokens that are signed later are valid."}</p>
    </Confirm>
  );
}
