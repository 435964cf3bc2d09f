-- Tokens that were revoked: the one of a claim jti, or all that a subject had by
-- revoked_at, in milliseconds; the other text is empty. n grows, so that an instance
-- reads only what is new to it. After until no such token is valid any more; NULL: it
-- may be valid for ever.
CREATE TABLE Revocations (
  n          INTEGER PRIMARY KEY AUTOINCREMENT,
  Subject    TEXT NOT NULL,
  TokenId    TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  until      INTEGER,
  UNIQUE (Subject, TokenId)
);

-- Where sockets were opened, and by whom, so that a revocation finds them. until is
-- the end of the day (UTC) in which the token ends, in milliseconds, and 0 if it never
-- ends: a subject that comes back to a room in the same day writes nothing.
CREATE TABLE SocketPlaces (
  until   INTEGER NOT NULL,
  Subject TEXT NOT NULL,
  TokenId TEXT NOT NULL,
  Binding TEXT NOT NULL,
  Room    TEXT NOT NULL,
  PRIMARY KEY (until, Subject, TokenId, Binding, Room)
) WITHOUT ROWID;
