import type { ReactNode } from "react";
import { useMe, type Permission } from "./me";
import { titleOf } from "./route";

interface Props {
  all: Permission[];
  /** That of the MeContext. */
  place: string;
  children: ReactNode;
}

/** Shows its children if the token has all of the permissions in a place, and says otherwise which it lacks. */
export function Needs({ all, place, children }: Props) {
  const me = useMe();
  const missing = all.filter((permission) => !me?.scope.includes(permission));
  if (me !== null && missing.length === 0) return children;
  return (
    <section className="lacking" aria-label="Missing permission">
      {me === null ? (
        <p>The token does not reach {titleOf(place)}. Its claim <code>spaces</code> must name {place === "" ? <>the root, by <code>""</code></> : "this space"}.</p>
      ) : (
        <>
          <p>
            This page needs {missing.length === 1 ? "the permission" : "the permissions"}{" "}
            {missing.map((permission, i) => <span key={permission}>{i > 0 && " and "}<code>{permission}</code></span>)}, which the token does not have in {titleOf(place)}.
          </p>
          <p>It has: {me.scope.length === 0 ? "none" : me.scope.map((permission, i) => <span key={permission}>{i > 0 && ", "}<code>{permission}</code></span>)}.</p>
        </>
      )}
    </section>
  );
}
