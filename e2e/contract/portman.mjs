// portman makes tests from openapi.json: a contract test of each operation, and variations
// that the document promises to reject. All requests, bodies and schemas come from the
// document. portman cannot know which rows exist: this file creates them first, and puts
// their ids into paths and references.
const projects = "/api/v1/projects/";
const titles = { tasks: "Task", dependencies: "Dependency", calendars: "Calendar", memberships: "Membership" };
const named = (verb) => Object.values(titles).map((title) => verb + title);

// The rows to create first, in order: by list below the project. Rows called doomed are for
// the operations that delete.
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

// refused returns a variation to which the operations respond with that status.
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

// portman's bodies sometimes have null where it is allowed, and it cannot make null too
// long.
const ofProjects = { description: "D", start_date: "2026-02-28" };
const ofTasks = { description: "D", notes: "N", planned_start: "2026-02-28", duration_days: 1.5, assignee_id: "ann" };
const ofUploads = { ...ofTasks, parent_id: "first", server_version: 1, _status: "updated", _changed: "name" };

// excepted has the variations that no server can reject, by the end of their name.
export const excepted = {
  // A new project has no calendar yet, so its calendar_id is null, which portman cannot lengthen.
  calendar_id: /^Create a project.*\[maximum length calendar_id\]$/,
  // These may be as long as the whole body, so a longer one gets 413.
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
