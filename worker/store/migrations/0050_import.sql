-- The import into this database, if there ever was one: the id and the stamp of the
-- export, how many of its pages were written, and whether the last one was among them.
CREATE TABLE Import (
  one      INTEGER PRIMARY KEY CONSTRAINT OneImport CHECK (one = 1),
  Export   TEXT NOT NULL,
  stamp    INTEGER NOT NULL,
  pages    INTEGER NOT NULL,
  finished INTEGER NOT NULL
);
