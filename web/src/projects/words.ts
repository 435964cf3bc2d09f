// The words of the page for the values of columns.

export const statuses = { not_started: "Not started", in_progress: "In progress", blocked: "Blocked", done: "Done" };
export type Status = keyof typeof statuses;

/** How a task depends on its predecessor: "Build starts after the end of Draw". */
export const relations = { FS: "starts after the end of", SS: "starts with", FF: "ends with", SF: "ends at the start of" };
export type Relation = keyof typeof relations;
