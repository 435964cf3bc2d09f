// The tables of a project's database: the collections of the delta dialect.
import { appSchema, Model, tableSchema, type ColumnSchema } from "@nozbe/watermelondb";
import { field, text } from "@nozbe/watermelondb/decorators";

const version: ColumnSchema = { name: "server_version", type: "number" };
const string = (name: string): ColumnSchema => ({ name, type: "string" });
const optional = (name: string, type: "string" | "number" = "string"): ColumnSchema => ({ name, type, isOptional: true });

export const schema = appSchema({
  version: 1,
  tables: [
    tableSchema({
      name: "projects",
      columns: [
        version, string("name"), optional("description"), optional("start_date"), string("status"),
        optional("calendar_id"), { name: "archived", type: "boolean" },
      ],
    }),
    tableSchema({
      name: "tasks",
      columns: [
        version, string("name"), optional("description"), string("status"), { name: "percent_complete", type: "number" },
        optional("planned_start"), optional("duration_days", "number"), optional("parent_id"), optional("assignee_id"),
        { name: "is_milestone", type: "boolean" }, { name: "sort_order", type: "number" }, optional("notes"),
      ],
    }),
    tableSchema({
      name: "dependencies",
      columns: [version, string("predecessor_id"), string("successor_id"), string("type"), { name: "lag_days", type: "number" }],
    }),
    tableSchema({
      name: "calendars",
      columns: [version, string("name"), { name: "hours_per_day", type: "number" }],
    }),
    tableSchema({ name: "memberships", columns: [version, string("user_id"), string("role")] }),
  ],
});

export class Project extends Model {
  static override table = "projects";
  @text("name") name!: string;
}

export const statuses = { not_started: "Not started", in_progress: "In progress", blocked: "Blocked", done: "Done" };

export class Task extends Model {
  static override table = "tasks";
  @text("name") name!: string;
  @field("status") status!: keyof typeof statuses;
  @field("percent_complete") percentComplete!: number;
  @field("assignee_id") assigneeId!: string | null;
  @field("sort_order") sortOrder!: number;
}

export class Dependency extends Model {
  static override table = "dependencies";
  @field("predecessor_id") predecessorId!: string;
  @field("successor_id") successorId!: string;
  @field("type") type!: "FS" | "SS" | "FF" | "SF";
}

export class Calendar extends Model {
  static override table = "calendars";
}

/** The lowest role first. Each role includes the rights of the roles before it. */
export const roles = ["Viewer", "Member", "Scheduler", "Admin", "Owner"] as const;
export type Role = (typeof roles)[number];

export class Membership extends Model {
  static override table = "memberships";
  @field("user_id") userId!: string;
  @field("role") role!: Role;
}

export const models = [Project, Task, Dependency, Calendar, Membership];
