-- The stamp that a space was born with, which is its floor until a restore. The root was
-- not born so.
ALTER TABLE Clock ADD COLUMN born INTEGER NOT NULL DEFAULT 0;

-- The directory of all spaces. created_at is in milliseconds.
CREATE TABLE Spaces (
  Name       TEXT PRIMARY KEY NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
