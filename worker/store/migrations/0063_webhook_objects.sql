-- The spaces and documents that have sent the receiver of webhooks an event, for the operator's list.
CREATE TABLE WebhookObjects (
  Space   TEXT NOT NULL, -- '': the root
  Room    TEXT NOT NULL, -- '': the rows of the space
  failing INTEGER NOT NULL,
  PRIMARY KEY (Space, Room)
) WITHOUT ROWID;
CREATE INDEX WebhookObjectsFailing ON WebhookObjects (failing, Space, Room);
