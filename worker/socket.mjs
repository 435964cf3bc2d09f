const MAX_REASON = 123; // bytes. RFC 6455, 5.5

// cutReason cuts a reason to the bytes that a close frame holds, at the end of a
// character. WebSocket.close() throws on a longer one.
export function cutReason(reason) {
  const cut = new Uint8Array(MAX_REASON);
  const { read } = new TextEncoder().encodeInto(reason, cut);
  return reason.slice(0, read);
}

// closeSocket closes a socket. It sends 1000 for the codes that stand for a missing one.
export function closeSocket(ws, code, reason) {
  try {
    ws.close(code === 1005 || code === 1006 ? 1000 : code, code === 1006 ? "" : cutReason(reason));
  } catch {} // it is closed
}
