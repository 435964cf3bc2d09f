// What portman makes of openapi.json: a contract test of each operation, and the
// variations that the document promises to refuse. All requests, bodies and schemas
// come from the document. It cannot know which rows there are: these are made first,
// and their ids are put into paths and references.
const projects = "/api/v1/projects/";
const titles = { tasks: "Task", dependencies: "Dependency", calendars: "Calendar", memberships: "Membership" };
const named = (verb) => Object.values(titles).map((title) => verb + title);

// What is made before, in order: a list below the projects and its rows. Rows called
// doomed are for the operations that delete.
export const rows = [
  ["", { id: "contract", name: "Contract" }, { id: "doomed", name: "Doomed" }],
  ["contract/tasks/", ...["first", "second", "third", "doomed-tasks", "doomed-upload"].map((id) => ({ id, name: id }))],
  ["contract/dependencies/", { id: "dependencies", predecessor_id: "first", successor_id: "second" },
    { id: "doomed-dependencies", predecessor_id: "second", successor_id: "third" }],
  ["contract/calendars/", { id: "calendars", name: "C" }, { id: "doomed-calendars", name: "D" }],
  ["contract/memberships/", { id: "memberships", user_id: "ann", role: "Member" },
    { id: "doomed-memberships", user_id: "bob", role: "Member" }, { id: "viewers", user_id: "viewer", role: "Viewer" }],
  ["doomed/memberships/", { id: "doomed-viewers", user_id: "viewer", role: "Viewer" }],
];

const lists = ["listProjects", "listTasks", "listDependencies", "listCalendars", "listMemberships", "pull"];
const patches = ["updateProject", ...named("update")];
const bodies = ["createProject", ...named("create"), ...patches, "upload"];
const deletions = ["deleteProject", ...named("delete")];
const ofProject = [...lists, ...bodies, ...deletions, "getProject", ...named("get"), "subscribe"]
  .filter((id) => !["listProjects", "createProject"].includes(id));

const enabled = { enabled: true };
const answered = { contentType: enabled, jsonBody: enabled, schemaValidation: enabled, headersPresent: enabled };

const path = (key, value) => ({ overwriteRequestPathVariables: [{ key, value, overwrite: true, insert: false }] });
const body = (members) => ({ overwriteRequestBody: Object.entries(members).map(([key, value]) => ({ key, value, overwrite: true })) });
const bearer = (token) => ({ overwriteRequestSecurity: { bearer: { token: `{{${token}}}` } } });

// refused is a variation that the operations answer with that status, as documented.
const refused = (status, name, openApiOperationIds, { fuzzing, ...overwrite }) => ({
  openApiOperationIds,
  variations: [{
    name, openApiResponse: String(status),
    ...(fuzzing ? { fuzzing: [fuzzing] } : { overwrites: [overwrite] }),
    tests: { contractTests: [{ statusCode: { enabled: true, code: status }, ...answered }] },
  }],
});

const fuzz = {
  requiredFields: enabled, minimumNumberFields: enabled, maximumNumberFields: enabled, minLengthFields: enabled, maxLengthFields: enabled,
};

// What may be null is sometimes null in the bodies that portman makes, and what is null
// cannot be made too long.
const ofProjects = { description: "D", start_date: "2026-02-28" };
const ofTasks = { description: "D", notes: "N", planned_start: "2026-02-28", duration_days: 1.5, assignee_id: "ann" };
const ofUploads = { ...ofTasks, parent_id: "first", server_version: 1, _status: "updated", _changed: "name" };

// excepted are the variations that cannot be refused, by the end of their name.
export const excepted = {
  // A new project has no calendar yet, so its calendar_id is null, which portman cannot lengthen.
  calendar_id: /^Create a project.*\[maximum length calendar_id\]$/,
  // These may be as long as the whole body, so one that is longer is 413.
  bookkeeping: /\[maximum length .*\._(changed|status)\]$/,
  // In JavaScript, one less than -2^53 is -2^53 again, and one more than 2^53 is 2^53.
  sort_order: /\[m(in|ax)imum number value .*sort_order\]$/,
};

export const config = {
  version: 1.0,
  tests: {
    contractTests: [
      { openApiOperationIds: ["getOpenAPI", "getDocs", ...deletions], statusSuccess: enabled },
      { openApiOperation: `*::${projects}*`, excludeForOperations: ["subscribe", ...deletions], statusSuccess: enabled, ...answered },
    ],
    variationTests: [
      refused(401, "A token that is none", ["listProjects", "createProject", ...ofProject], bearer("nobody")),
      refused(403, "A token of another scope", ["listProjects", "createProject", ...ofProject], bearer("otherScope")),
      refused(403, "A role too low", [...bodies.filter((id) => id !== "createProject"), ...deletions], { ...bearer("viewer"), ...path("project_id", "contract") }),
      refused(404, "Of no project", ofProject, path("project_id", "nowhere")),
      refused(404, "Of a stranger", ofProject, bearer("stranger")),
      refused(415, "A compressed body", bodies, { overwriteRequestHeaders: [{ key: "Content-Encoding", value: "gzip", insert: true }] }),
      refused(426, "Without an upgrade", ["subscribe"], path("project_id", "contract")),
      refused(400, "An unknown field", bodies, body({ nope: 1 })),
      refused(400, "A body out of bounds", bodies, { fuzzing: { requestBody: [fuzz] } }),
      refused(400, "A query out of bounds", lists, { fuzzing: { requestQueryParams: [fuzz] } }),
      refused(400, "A header out of bounds", patches, { fuzzing: { requestHeaders: [fuzz] } }),
    ],
  },
  overwrites: [
    { openApiOperation: `*::${projects}*`, ...path("project_id", "contract") },
    { openApiOperationId: "deleteProject", ...path("project_id", "doomed") },
    ...Object.keys(titles).map((list) => ({ openApiOperation: `*::${projects}{project_id}/${list}/{id}/`, ...path("id", list) })),
    { openApiOperation: `*::${projects}{project_id}/tasks/{id}/`, ...path("id", "first") },
    ...Object.entries(titles).map(([list, title]) => ({ openApiOperationId: `delete${title}`, ...path("id", `doomed-${list}`) })),
    { openApiOperationId: "createProject", ...body({ ...ofProjects, calendar_id: null }) },
    { openApiOperationId: "updateProject", ...body({ ...ofProjects, calendar_id: "calendars" }) },
    { openApiOperationId: "createTask", ...body({ ...ofTasks, parent_id: "first" }) },
    { openApiOperationId: "updateTask", ...body({ ...ofTasks, parent_id: "second" }) },
    { openApiOperationId: "createDependency", ...body({ predecessor_id: "first", successor_id: "third" }) },
    { openApiOperationId: "upload", ...body({ client_batch_id: "{{$guid}}", last_pulled_at: 1, changes: { tasks: {
      created: [{ id: "uploaded", name: "Uploaded", ...ofUploads }], updated: [{ id: "third", name: "Third", ...ofUploads }], deleted: ["doomed-upload"],
    } } }) },
  ],
  globals: { securityOverwrites: { bearer: { token: "{{owner}}" } } },
};
