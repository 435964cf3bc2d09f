-- Rows are never deleted but marked: a row with deleted = 1 is a tombstone.
-- stamp orders all changes; ahead is the greatest updated_at that a push
-- claimed for the row while it lay in the future.
CREATE TABLE Customers (
  CustomerId  TEXT PRIMARY KEY NOT NULL,
  ContactName TEXT,
  CompanyName TEXT,
  Notes       TEXT,
  created_at  INTEGER NOT NULL DEFAULT 0,
  updated_at  INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  stamp       INTEGER NOT NULL DEFAULT 0,
  ahead       INTEGER
);
CREATE INDEX CustomersByStamp ON Customers (stamp, CustomerId);

CREATE TABLE Products (
  ProductId   TEXT PRIMARY KEY NOT NULL,
  Title       TEXT,
  Description TEXT,
  Price       REAL,
  Discounts   REAL,
  Image       TEXT,
  created_at  INTEGER NOT NULL DEFAULT 0,
  updated_at  INTEGER NOT NULL DEFAULT 0,
  deleted     INTEGER NOT NULL DEFAULT 0,
  stamp       INTEGER NOT NULL DEFAULT 0,
  ahead       INTEGER
);
CREATE INDEX ProductsByStamp ON Products (stamp, ProductId);

-- One row: the last stamp, the stamp up to which tombstones were purged, and
-- the stamp that the last restore gave.
CREATE TABLE Clock (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  stamp   INTEGER NOT NULL,
  horizon INTEGER NOT NULL DEFAULT 0,
  floor   INTEGER NOT NULL DEFAULT 0
);
INSERT INTO Clock (one, stamp) VALUES (1, 1);

-- The state of a Yjs document as Base64, written when its log is compacted.
CREATE TABLE YjsRooms (
  RoomId     TEXT PRIMARY KEY NOT NULL,
  YjsState   TEXT,
  updated_at INTEGER NOT NULL DEFAULT 0
);
