// The tables of a project's database: the collections of the delta dialect.
import { appSchema, Model, tableSchema, type ColumnSchema } from "@nozbe/watermelondb";
import field from "@nozbe/watermelondb/decorators/field";
import text from "@nozbe/watermelondb/decorators/text";
import { addColumns, schemaMigrations } from "@nozbe/watermelondb/Schema/migrations";
import type { Relation, Status } from "./words";

const version: ColumnSchema = { name: "server_version", type: "number" };
const string = (name: string): ColumnSchema => ({ name, type: "string" });
const optional = (name: string, type: "string" | "number" = "string"): ColumnSchema => ({ name, type, isOptional: true });

// A pull has a calendar's arrays as JSON texts. A device that pulled a calendar with version 1 has null until it changes.
const workdays = [optional("working_days"), optional("exceptions")];

export const schema = appSchema({
  version: 2,
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
      columns: [version, string("name"), { name: "hours_per_day", type: "number" }, ...workdays],
    }),
    tableSchema({ name: "memberships", columns: [version, string("user_id"), string("role")] }),
  ],
});

export const migrations = schemaMigrations({
  migrations: [{ toVersion: 2, steps: [addColumns({ table: "calendars", columns: workdays })] }],
});

export class Project extends Model {
  static override table = "projects";
  @text("name") name!: string;
  @field("calendar_id") calendarId!: string | null;
}

export class Task extends Model {
  static override table = "tasks";
  @text("name") name!: string;
  @field("status") status!: Status;
  @field("percent_complete") percentComplete!: number;
  /** A date like 2026-02-28. */
  @field("planned_start") plannedStart!: string | null;
  @field("duration_days") durationDays!: number | null;
  @field("parent_id") parentId!: string | null;
  @field("assignee_id") assigneeId!: string | null;
  @field("is_milestone") isMilestone!: boolean;
  @field("sort_order") sortOrder!: number;
}

export class Dependency extends Model {
  static override table = "dependencies";
  @field("predecessor_id") predecessorId!: string;
  @field("successor_id") successorId!: string;
  @field("type") type!: Relation;
  @field("lag_days") lagDays!: number;
}

export class Calendar extends Model {
  static override table = "calendars";
  @field("working_days") workingDays!: string | null;
  @field("exceptions") exceptions!: string | null;
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
