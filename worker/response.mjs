// The responses of the guest, as objects of the platform.

const MOST_HEADS = 64, MAX_HEAD_KEPT = 1024; // characters

const heads = new Map(); // of responses: text -> {status, route, headers}

// headOf reads the head of a response. Most heads have come before, and to make a Headers costs more
// than to copy one. The caller sets x-request-id in it.
function headOf(text) {
  let head = heads.get(text);
  if (head !== undefined) return head;
  const [first, ...lines] = text.split("\n");
  const [status, route = ""] = first.split(" ");
  const pairs = lines.map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  head = { status: Number(status), route, headers: new Headers(pairs) };
  if (text.length > MAX_HEAD_KEPT) return head;
  if (heads.size === MOST_HEADS) heads.clear();
  heads.set(text, head);
  return head;
}

// response returns the Response of an answer that is no Forward.
export function response(answer, exchange) {
  if (answer.lost) return exchange.fail(answer.lost);
  const { status, route, headers } = headOf(answer.head);
  exchange.route = route;
  headers.set("x-request-id", exchange.trace.id);
  const init = { status, headers };
  if (answer.parts.length > 0) return new Response(joined([...answer.parts, answer.body], exchange.ctx), init);
  return new Response(answer.body.length > 0 ? answer.body : null, init);
}

// joined is a body of parts, each of which is forgotten when it was sent.
function joined(parts, ctx) {
  const { readable, writable } = new FixedLengthStream(parts.reduce((length, part) => length + part.length, 0));
  const writer = writable.getWriter();
  const send = async () => {
    while (parts.length > 0) await writer.write(parts.shift());
    await writer.close();
  };
  ctx.waitUntil(send().catch(() => {})); // the client left
  return readable;
}
