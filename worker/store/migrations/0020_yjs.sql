-- What of a document's state does not fit into YjsRooms.YjsState: the Base64
-- goes on here, part 1 first. Only the parts whose version is the row's
-- updated_at count.
CREATE TABLE YjsRoomParts (
  RoomId   TEXT NOT NULL,
  version  INTEGER NOT NULL,
  part     INTEGER NOT NULL,
  YjsState TEXT NOT NULL,
  PRIMARY KEY (RoomId, version, part)
);

-- The claim rooms of the token that a ticket stands for; NULL is any room.
ALTER TABLE Tickets ADD COLUMN Rooms TEXT;
