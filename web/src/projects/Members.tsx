import type { FormEvent } from "react";
import { uuid } from "tidemark-client";
import { roles, type Membership } from "./model";
import type { OpenedProject } from "./opened";

/** The members of the project and their roles. */
export function Members({ project, members }: { project: OpenedProject; members: Membership[] }) {
  const admin = project.may("Admin");
  const offered = roles.filter((role) => role !== "Owner" || project.may("Owner"));
  const add = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const { user_id, role } = Object.fromEntries(new FormData(form));
    if ((await project.request("POST", "/memberships/", { id: uuid(), user_id, role })) === "") form.reset();
  };
  return (
    <section aria-labelledby="members">
      <h3 id="members">Members</h3>
      <ul className="rows">
        {members.map(({ id, userId, role }) => (
          <li key={id}>
            <span className="grow"><bdi>{userId}</bdi>{userId === project.subject && " (you)"}</span>
            <select
              aria-label={`Role of ${userId}`}
              value={role}
              disabled={!admin || !offered.includes(role)}
              onChange={(event) => void project.request("PATCH", `/memberships/${id}/`, { role: event.target.value })}
            >
              {(offered.includes(role) ? offered : [role]).map((r) => <option key={r}>{r}</option>)}
            </select>
            {admin && (
              <button type="button" className="quiet danger-text" aria-label={`Remove ${userId}`} onClick={() => void project.request("DELETE", `/memberships/${id}/`)}>
                ✕
              </button>
            )}
          </li>
        ))}
      </ul>
      {admin && (
        <form className="line-form" onSubmit={(event) => void add(event)}>
          <label>Name <input name="user_id" required maxLength={255} /></label>
          <label>
            Role
            <select name="role" defaultValue="Member">{offered.map((role) => <option key={role}>{role}</option>)}</select>
          </label>
          <button type="submit">Add member</button>
        </form>
      )}
    </section>
  );
}
