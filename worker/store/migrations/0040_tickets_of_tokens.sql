-- The token that a ticket stands for: its claims jti, iat and exp, in milliseconds.
-- NULL is a token without that claim, or a ticket from before this migration.
ALTER TABLE Tickets ADD COLUMN TokenId TEXT;
ALTER TABLE Tickets ADD COLUMN token_issued_at INTEGER;
ALTER TABLE Tickets ADD COLUMN token_expires_at INTEGER;
