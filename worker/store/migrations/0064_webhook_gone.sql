-- The start of the server in which the receiver of webhooks returned 410: until the next one nothing is sent.
CREATE TABLE WebhookGone (
  n     INTEGER PRIMARY KEY CHECK (n = 1),
  start TEXT NOT NULL
);
