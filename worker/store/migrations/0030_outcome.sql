-- What the last push of the row came to, for that push's own answer.
ALTER TABLE Customers ADD COLUMN outcome INTEGER;
ALTER TABLE Products ADD COLUMN outcome INTEGER;
