// Package documents serves the Yjs documents. Each is a room with a name of its own.
// The name is what y-websocket appends to the server's URL: it may hold slashes. In a
// path that ends in /versions and so on, a slash of the name is written %2F.
//
//	GET    /yjs/ROOM with an upgrade      y-websocket
//	GET    /yjs/ROOM                      the state as an update; ?sv= the Base64url of a state vector: what it lacks
//	GET    /yjs/ROOM?format=json|tree     the document as JSON; as tree, texts and XML types are objects
//	GET    /yjs/ROOM?format=text&name=    the text of a root
//	POST   /yjs/ROOM                      merges the update in the body
//	DELETE /yjs/ROOM                      deletes the document and its versions
//	GET    /yjs/?prefix=&after=&limit=    {"rooms":[{"room":"…","updated_at":…,"bytes":…},…],"next":"…"}, from the database's copies
//	GET    /yjs/ROOM/presence             who has the document open: {"sockets":…,"people":[{"subject":…,"sockets":…,"writes":…,"states":[…]},…]}
//	POST   /yjs/ROOM/versions             keeps a version, named by the body; 201 {"id":"…","name":"…","subject":"…","created_at":…,"bytes":…}
//	GET    /yjs/ROOM/versions?before=     {"versions":[…]}, the newest first, 100 at a time
//	GET    /yjs/ROOM/versions/ID          its state as an update; ?format= and ?sv= as above
//	POST   /yjs/ROOM/versions/ID/restore  makes the document show the version, as a new edit
package documents
