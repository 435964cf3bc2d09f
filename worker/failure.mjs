// The errors that the glue sends to a client by itself, because the guest did not
// respond. Package shared/abi says which shape they have (Failure).
const status = 500;
const name = "INTERNAL_SERVER_ERROR", number = -32603;

// failure returns an internal error in the shape of the request's path.
export function failure(url, message) {
  const path = new URL(url).pathname;
  let type = "application/json";
  let body = { error: { code: name, message } };
  if (path === "/trpc" || path.startsWith("/trpc/")) {
    body = { error: { message, code: number, data: { code: name, httpStatus: status } } };
  } else if (path.startsWith("/api/v1/")) {
    type = "application/problem+json";
    body = { type: "about:blank", title: message, status, detail: message, code: name.toLowerCase() };
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": type, "x-content-type-options": "nosniff", "cache-control": "no-store",
      "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after",
    },
  });
}
