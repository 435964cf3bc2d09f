CREATE TABLE visits (
  id TEXT PRIMARY KEY NOT NULL,
  owner_id TEXT DEFAULT '',
  rating REAL,
  note TEXT,
  code TEXT,
  status TEXT DEFAULT 'lead',
  level REAL,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS visitsByStamp ON visits (stamp, id);
CREATE INDEX IF NOT EXISTS visitsTombstones ON visits (stamp, id) WHERE deleted = 1;
CREATE INDEX IF NOT EXISTS visitsByowner_id ON visits (owner_id, stamp, id);
CREATE TABLE places (
  id TEXT PRIMARY KEY NOT NULL,
  owner_id TEXT,
  team TEXT,
  name TEXT,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS placesByStamp ON places (stamp, id);
CREATE INDEX IF NOT EXISTS placesTombstones ON places (stamp, id) WHERE deleted = 1;
CREATE INDEX IF NOT EXISTS placesByowner_id ON places (owner_id, stamp, id);
CREATE INDEX IF NOT EXISTS placesByteam ON places (team, stamp, id);
CREATE TABLE catalogue (
  id TEXT PRIMARY KEY NOT NULL,
  title TEXT,
  price REAL DEFAULT 0e+00,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS catalogueByStamp ON catalogue (stamp, id);
CREATE INDEX IF NOT EXISTS catalogueTombstones ON catalogue (stamp, id) WHERE deleted = 1;
CREATE TABLE reports (
  id TEXT PRIMARY KEY NOT NULL,
  title TEXT,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS reportsByStamp ON reports (stamp, id);
CREATE INDEX IF NOT EXISTS reportsTombstones ON reports (stamp, id) WHERE deleted = 1;
CREATE TABLE Letters (
  LetterId TEXT PRIMARY KEY NOT NULL,
  OwnerId TEXT,
  Text TEXT,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS LettersByStamp ON Letters (stamp, LetterId);
CREATE INDEX IF NOT EXISTS LettersTombstones ON Letters (stamp, LetterId) WHERE deleted = 1;
CREATE INDEX IF NOT EXISTS LettersByOwnerId ON Letters (OwnerId, stamp, LetterId);
CREATE TABLE profiles (
  id TEXT PRIMARY KEY NOT NULL,
  org_id TEXT,
  name TEXT,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS profilesByStamp ON profiles (stamp, id);
CREATE INDEX IF NOT EXISTS profilesTombstones ON profiles (stamp, id) WHERE deleted = 1;
CREATE INDEX IF NOT EXISTS profilesByorg_id ON profiles (org_id, stamp, id);
CREATE TABLE archive (
  id TEXT PRIMARY KEY NOT NULL,
  title TEXT,
  created_at INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL DEFAULT 0,
  deleted INTEGER NOT NULL DEFAULT 0,
  stamp INTEGER NOT NULL DEFAULT 0,
  ahead INTEGER,
  outcome INTEGER
);
CREATE INDEX IF NOT EXISTS archiveByStamp ON archive (stamp, id);
CREATE INDEX IF NOT EXISTS archiveTombstones ON archive (stamp, id) WHERE deleted = 1;
