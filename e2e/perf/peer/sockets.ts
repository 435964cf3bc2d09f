// The hibernating sockets of an object.
interface Sockets {
  acceptWebSocket(ws: WebSocket): void;
  getWebSockets(): WebSocket[];
}

// accept opens a socket and greets it.
export function accept(ctx: Sockets): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  ctx.acceptWebSocket(server);
  server.send(JSON.stringify({ type: "hello", table: "*", stamp: 0 }));
  return new Response(null, { status: 101, webSocket: client });
}

// tell tells all sockets which tables have changed.
export function tell(ctx: Sockets, tables: string[], stamp: number) {
  for (const table of tables) {
    const message = JSON.stringify({ type: "change", table, stamp });
    for (const ws of ctx.getWebSockets()) ws.send(message);
  }
}
