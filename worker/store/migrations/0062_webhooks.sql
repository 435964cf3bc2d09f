-- Changes of which the receiver of webhooks does not know yet. A row stands for all changes of a
-- table, project or space since the last event of it was made.
CREATE TABLE Webhooks (
  n      INTEGER PRIMARY KEY, -- the events are sent in this order
  type   TEXT NOT NULL,
  key    TEXT NOT NULL, -- the table, the project or the space; '*': several
  merged INTEGER NOT NULL DEFAULT 0, -- of the key '*': how many rows it stands for
  UNIQUE (type, key)
);

-- The event that is being sent, and what is known of the receiver.
CREATE TABLE WebhookState (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  event TEXT, -- JSON; NULL: none is being sent
  state TEXT NOT NULL DEFAULT '{}' -- JSON
);
INSERT INTO WebhookState (one) VALUES (1);
