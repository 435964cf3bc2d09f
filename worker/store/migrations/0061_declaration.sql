-- One row: the tables of the app that the database has, as record.Schema.Encode writes
-- them. The self-hosted server writes it, and every space. In D1 it stays empty: its
-- tables come with migrations.
CREATE TABLE Declaration (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  tables TEXT NOT NULL
);
