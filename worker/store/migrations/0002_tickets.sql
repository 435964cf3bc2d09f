-- Tickets that were given out and not used yet. A ticket itself is not kept,
-- only its hash. Scope NULL is every permission; expires_at is milliseconds.
CREATE TABLE Tickets (
  Hash       TEXT PRIMARY KEY NOT NULL,
  Subject    TEXT NOT NULL,
  Scope      TEXT,
  expires_at INTEGER NOT NULL
);
CREATE INDEX TicketsByEnd ON Tickets (expires_at);
