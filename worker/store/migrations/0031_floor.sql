-- The number that the last restore gave: marks below it are of a time that the
-- database does not know.
ALTER TABLE ProjectSequences ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;
