-- What a space holds, as it last told: only while it holds 90 % or more of LIMIT_SPACE_BYTES, otherwise 0.
ALTER TABLE Spaces ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
CREATE INDEX SpacesByBytes ON Spaces (bytes) WHERE bytes > 0;
