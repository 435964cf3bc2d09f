-- What a purge deletes, so that it reads no live row.
CREATE INDEX CustomersTombstones ON Customers (stamp, CustomerId) WHERE deleted = 1;
CREATE INDEX ProductsTombstones ON Products (stamp, ProductId) WHERE deleted = 1;
