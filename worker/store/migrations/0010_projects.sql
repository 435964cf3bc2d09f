-- Projects. Nothing is removed: a row with a deleted_version is a tombstone.
-- seq is the number of the project's sequence that the last change of the row
-- drew, created_seq that of its insert. changed is a JSON object: of each field
-- that was changed since the insert, the server_version of its last change.
-- The arrays of a calendar are JSON text.

-- The sequence of each project. drawn names the batch that drew last.
CREATE TABLE ProjectSequences (
  project_id TEXT PRIMARY KEY NOT NULL,
  seq        INTEGER NOT NULL,
  drawn      TEXT NOT NULL
);

CREATE TABLE Projects (
  id              TEXT PRIMARY KEY NOT NULL,
  project_id      TEXT NOT NULL, -- its own id
  name            TEXT NOT NULL,
  description     TEXT,
  start_date      TEXT,
  status          TEXT NOT NULL,
  calendar_id     TEXT,
  archived        INTEGER NOT NULL,
  server_version  INTEGER NOT NULL,
  deleted_version INTEGER,
  seq             INTEGER NOT NULL,
  created_seq     INTEGER NOT NULL,
  changed         TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX ProjectsBySeq ON Projects (project_id, seq, id);

CREATE TABLE ProjectTasks (
  id               TEXT PRIMARY KEY NOT NULL,
  project_id       TEXT NOT NULL,
  name             TEXT NOT NULL,
  description      TEXT,
  status           TEXT NOT NULL,
  percent_complete INTEGER NOT NULL,
  planned_start    TEXT,
  duration_days    REAL,
  parent_id        TEXT,
  assignee_id      TEXT,
  is_milestone     INTEGER NOT NULL,
  sort_order       REAL NOT NULL,
  notes            TEXT,
  server_version   INTEGER NOT NULL,
  deleted_version  INTEGER,
  seq              INTEGER NOT NULL,
  created_seq      INTEGER NOT NULL,
  changed          TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX ProjectTasksBySeq ON ProjectTasks (project_id, seq, id);
CREATE INDEX ProjectTasksById ON ProjectTasks (project_id, id) WHERE deleted_version IS NULL;
CREATE INDEX ProjectTasksByParent ON ProjectTasks (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE ProjectDependencies (
  id              TEXT PRIMARY KEY NOT NULL,
  project_id      TEXT NOT NULL,
  predecessor_id  TEXT NOT NULL,
  successor_id    TEXT NOT NULL,
  type            TEXT NOT NULL,
  lag_days        REAL NOT NULL,
  server_version  INTEGER NOT NULL,
  deleted_version INTEGER,
  seq             INTEGER NOT NULL,
  created_seq     INTEGER NOT NULL,
  changed         TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX ProjectDependenciesBySeq ON ProjectDependencies (project_id, seq, id);
CREATE INDEX ProjectDependenciesById ON ProjectDependencies (project_id, id) WHERE deleted_version IS NULL;
CREATE UNIQUE INDEX ProjectDependenciesByPair ON ProjectDependencies (predecessor_id, successor_id) WHERE deleted_version IS NULL;
CREATE INDEX ProjectDependenciesBySuccessor ON ProjectDependencies (successor_id) WHERE deleted_version IS NULL;

CREATE TABLE ProjectCalendars (
  id              TEXT PRIMARY KEY NOT NULL,
  project_id      TEXT NOT NULL,
  name            TEXT NOT NULL,
  working_days    TEXT NOT NULL,
  hours_per_day   REAL NOT NULL,
  exceptions      TEXT NOT NULL,
  server_version  INTEGER NOT NULL,
  deleted_version INTEGER,
  seq             INTEGER NOT NULL,
  created_seq     INTEGER NOT NULL,
  changed         TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX ProjectCalendarsBySeq ON ProjectCalendars (project_id, seq, id);
CREATE INDEX ProjectCalendarsById ON ProjectCalendars (project_id, id) WHERE deleted_version IS NULL;

CREATE TABLE ProjectMemberships (
  id              TEXT PRIMARY KEY NOT NULL,
  project_id      TEXT NOT NULL,
  user_id         TEXT NOT NULL,
  role            TEXT NOT NULL,
  server_version  INTEGER NOT NULL,
  deleted_version INTEGER,
  seq             INTEGER NOT NULL,
  created_seq     INTEGER NOT NULL,
  changed         TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX ProjectMembershipsBySeq ON ProjectMemberships (project_id, seq, id);
CREATE INDEX ProjectMembershipsById ON ProjectMemberships (project_id, id) WHERE deleted_version IS NULL;
CREATE UNIQUE INDEX ProjectMembershipsLive ON ProjectMemberships (project_id, user_id) WHERE deleted_version IS NULL;
CREATE INDEX ProjectMembershipsByUser ON ProjectMemberships (user_id, project_id);

-- The answers to uploads, by which a retry is recognized. at is Unix time in
-- milliseconds.
CREATE TABLE ProjectUploads (
  project_id      TEXT NOT NULL,
  user_id         TEXT NOT NULL,
  client_batch_id TEXT NOT NULL,
  at              INTEGER NOT NULL,
  answer          TEXT NOT NULL,
  PRIMARY KEY (project_id, user_id, client_batch_id)
);
CREATE INDEX ProjectUploadsByTime ON ProjectUploads (at);
