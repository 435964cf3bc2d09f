// The errors that the glue sends to a client by itself, because the guest did not
// respond. Package shared/abi says which shape they have (Failure).
const names = { 500: "INTERNAL_SERVER_ERROR", 503: "SERVICE_UNAVAILABLE" };
const number = -32603; // JSON-RPC's, of both

// failure returns an error in the shape of the request's path, which may be in a space.
export function failure(url, message, trace, status = 500) {
  const name = names[status];
  const path = new URL(url).pathname.replace(/^\/s\/[^/]*/, "");
  let type = "application/json";
  let body = { error: { code: name, message } };
  if (path === "/trpc" || path.startsWith("/trpc/")) {
    body = { error: { message, code: number, data: { code: name, httpStatus: status } } };
  } else if (path.startsWith("/api/v1/")) {
    type = "application/problem+json";
    body = { type: "about:blank", title: message, status, detail: message, code: name.toLowerCase(), ...trace.fields };
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": type, "x-content-type-options": "nosniff", "cache-control": "no-store",
      "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after, x-request-id",
      "x-request-id": trace.id,
    },
  });
}
