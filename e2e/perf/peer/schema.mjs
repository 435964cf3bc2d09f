// The tables of the peers that keep rows: in D1, or in the SQLite of an object.
export const schema = [
  "CREATE TABLE Customers (CustomerId TEXT PRIMARY KEY, ContactName, CompanyName, Notes, created_at, updated_at, deleted DEFAULT 0, stamp INTEGER)",
  "CREATE INDEX CustomersByStamp ON Customers (stamp)",
  "CREATE TABLE Products (ProductId TEXT PRIMARY KEY, Title, Description, Price REAL, Discounts REAL, Image, created_at, updated_at, deleted DEFAULT 0, stamp INTEGER)",
  "CREATE INDEX ProductsByStamp ON Products (stamp)",
  "CREATE TABLE Clock (stamp INTEGER)",
  "INSERT INTO Clock VALUES (1)",
];
