-- Rows that a pull must bring although they did not change, or did change and must no longer be
-- seen: for the subject who, whose push of the row was rejected, or for all who could read
-- the row by the columns old, a JSON object, that it had before. And which pushes were rejected,
-- so that the same one is rejected again.
CREATE TABLE Told (
  tab   TEXT NOT NULL,
  id    TEXT NOT NULL,
  who   TEXT NOT NULL, -- '' if it is for all who could read the row
  old   TEXT NOT NULL, -- '' and 'sent': it is for who; 'again:' and a hash: the push of who was rejected
  stamp INTEGER NOT NULL, -- of a push that was rejected, its base
  PRIMARY KEY (tab, id, who, old)
) WITHOUT ROWID;
CREATE INDEX ToldByStamp ON Told (tab, who, stamp);

-- From which stamp on the pulls of a subject were answered for which claims.
CREATE TABLE Readers (
  who    TEXT NOT NULL,
  stamp  INTEGER NOT NULL,
  claims TEXT NOT NULL, -- a hash of the rules and of the claims that they read
  PRIMARY KEY (who, stamp)
) WITHOUT ROWID;

-- Readers has, or had, a row.
ALTER TABLE Clock ADD COLUMN ruled INTEGER NOT NULL DEFAULT 0;
