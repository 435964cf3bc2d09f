import { useState, type FormEvent } from "react";
import { call } from "../../api";
import { Confirm } from "../../Confirm";
import { Field } from "../../Field";
import { Problem } from "../../load";
import { permissions, useMe, type Permission } from "../../me";
import { time } from "../../words";
import type { MadeToken } from "./Made";

/** The body of POST /auth/token. */
interface Wish {
  sub: string;
  scope: string;
  spaces?: string[];
  rooms?: string[];
  ttl: string;
  claims?: Record<string, unknown>;
}

const says: Record<Permission, string> = {
  "sync:read": "read rows",
  "sync:write": "write rows",
  "projects:read": "read projects",
  "projects:write": "write projects",
  "yjs:read": "read documents",
  "yjs:write": "write documents",
  "sync:admin": "operate: everything in this console",
  "spaces:admin": "list, pause and delete spaces",
};
const usual: Permission[] = ["sync:read", "sync:write", "projects:read", "projects:write", "yjs:read", "yjs:write"];
const lives = [["1h", "1 hour"], ["8h", "8 hours"], ["24h", "1 day"], ["168h", "7 days"], ["720h", "30 days"]] as const;

const words = (text: FormDataEntryValue | null) => String(text ?? "").split(/[\s,]+/).filter(Boolean);

// wishOf reads the form. It throws an error about claims that are not a JSON object.
function wishOf(form: FormData): Wish {
  const spaces = [...(form.has("root") ? [""] : []), ...words(form.get("spaces"))];
  const rooms = words(form.get("rooms"));
  const claims = String(form.get("claims")).trim();
  const wish: Wish = { sub: String(form.get("sub")).trim(), scope: form.getAll("scope").join(" "), ttl: String(form.get("ttl")) };
  if (wish.sub === "") throw new Error("The subject must not be blank.");
  if (wish.scope === "") throw new Error("Choose at least one permission.");
  if (spaces.length === 0) throw new Error("The token must reach the root or a space.");
  if (spaces.length > 1 || spaces[0] !== "") wish.spaces = spaces; // a token without the claim reaches the root alone
  if (rooms.length > 0) wish.rooms = rooms;
  if (claims !== "") wish.claims = objectOf(claims);
  return wish;
}

function objectOf(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`The claims are not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error('The claims must be an object, such as {"teams":["a"]}.');
  return value as Record<string, unknown>;
}

export function Make({ onMade }: { onMade(token: MadeToken): void }) {
  const me = useMe()!;
  const [wish, setWish] = useState<Wish>();
  const [error, setError] = useState<Error>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    try {
      setWish(wishOf(new FormData(event.currentTarget)));
      setError(undefined);
    } catch (error) {
      setError(error as Error);
    }
  };
  return (
    <section className="card" aria-labelledby="make-title">
      <h2 id="make-title">Make a token</h2>
      <p className="soft">The new token allows no more than yours.{me.expires_at !== null && ` It may live longer: yours ends at ${time(me.expires_at)}.`}</p>
      <form className="make" onSubmit={submit}>
        <Field title="Subject" name="sub" required maxLength={256} hint="The person or the program that gets the token. In rules its name is sub." />
        <label>
          Life
          <select name="ttl" defaultValue="24h">{lives.map(([value, title]) => <option key={value} value={value}>{title}</option>)}</select>
        </label>
        <fieldset className="whole">
          <legend>Permissions</legend>
          <div className="scopes">
            {permissions.filter((permission) => me.scope.includes(permission)).map((permission) => (
              <label key={permission} className="choice">
                <input type="checkbox" name="scope" value={permission} defaultChecked={usual.includes(permission)} />
                <span><code>{permission}</code> <small>{says[permission]}</small></span>
              </label>
            ))}
          </div>
        </fieldset>
        <fieldset>
          <legend>Places</legend>
          <label className="choice"><input type="checkbox" name="root" defaultChecked /> <span>The root</span></label>
          <Field title="Spaces" name="spaces" hint={<>Names, with blanks between them. <code>*</code> stands for any characters: <code>team-*</code></>} />
        </fieldset>
        <Field title="Rooms of documents" name="rooms" hint="Names, with blanks between them, as for spaces. If it is empty, the token opens all rooms." />
        <details className="whole">
          <summary>Claims that rules read</summary>
          <label>
            Claims, as a JSON object
            <textarea name="claims" rows={3} spellCheck={false} placeholder={'{"teams":["a"]}'} />
          </label>
        </details>
        {error && <div className="whole"><Problem error={error} /></div>}
        <button type="submit" className="primary">Make a token…</button>
      </form>
      {wish && <Ask wish={wish} onMade={onMade} onClose={() => setWish(undefined)} />}
    </section>
  );
}

function Ask({ wish, onMade, onClose }: { wish: Wish; onMade(token: MadeToken): void; onClose(): void }) {
  const make = async () => {
    const { body, requestId } = await call<{ token: string; jti: string; expires_at: number }>("POST", "/auth/token", wish);
    onMade({ token: body.token, jti: body.jti, subject: wish.sub, expiresAt: body.expires_at });
    return { text: `A token for ${wish.sub} is made.`, requestId };
  };
  const places = wish.spaces?.map((glob) => (glob === "" ? "the root" : glob)).join(", ") ?? "the root";
  return (
    <Confirm title={`Make a token for ${wish.sub}?`} action="Make" onConfirm={make} onClose={onClose}>
      <dl className="facts">
        <dt>May</dt><dd>{wish.scope}</dd>
        <dt>In</dt><dd>{places}</dd>
        <dt>Documents</dt><dd>{wish.rooms?.join(", ") ?? "all"}</dd>
        <dt>For</dt><dd>{lives.find(([value]) => value === wish.ttl)?.[1]}</dd>
        {wish.claims && <><dt>Claims</dt><dd><code>{JSON.stringify(wish.claims)}</code></dd></>}
      </dl>
      <p>Everybody who has the token may do this until it ends, or until somebody revokes it.</p>
    </Confirm>
  );
}
