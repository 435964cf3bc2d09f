-- What of a document's state does not fit into YjsRooms.YjsState: the Base64
-- goes on here, part 1 first. Only the parts whose version is the row's
-- updated_at count.
CREATE TABLE YjsRoomParts (
  RoomId   TEXT NOT NULL,
  version  INTEGER NOT NULL,
  part     INTEGER NOT NULL,
  YjsState TEXT NOT NULL,
  PRIMARY KEY (RoomId, version, part)
);

-- The claim rooms of the token that a ticket stands for; NULL is any room.
ALTER TABLE Tickets ADD COLUMN Rooms TEXT;

-- Named versions of documents, and what of their Base64 does not fit in one row.
CREATE TABLE YjsVersions (
  RoomId     TEXT NOT NULL,
  VersionId  TEXT NOT NULL,
  Name       TEXT NOT NULL,
  Subject    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  YjsState   TEXT NOT NULL,
  PRIMARY KEY (RoomId, VersionId)
);
CREATE TABLE YjsVersionParts (
  RoomId    TEXT NOT NULL,
  VersionId TEXT NOT NULL,
  part      INTEGER NOT NULL,
  YjsState  TEXT NOT NULL,
  PRIMARY KEY (RoomId, VersionId, part)
);
