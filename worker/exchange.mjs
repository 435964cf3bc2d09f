// An Exchange is a request, its id, and what the log and the metrics say of it.
import { Body } from "./body.mjs";
import { failure } from "./failure.mjs";
import { Trace, info } from "./log.mjs";
import { requestPoint } from "./metrics.mjs";
import { countRequest } from "./overview.mjs";

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

// pathOf returns the path of an absolute URL, as new URL would, at a tenth of the cost.
function pathOf(url) {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", at);
  return end < 0 ? url.slice(at) : url.slice(at, end);
}

export class Exchange {
  constructor(request, env, ctx) {
    this.request = request;
    this.env = env;
    this.ctx = ctx;
    this.method = request.method; // once: each costs a call out of JavaScript
    this.url = request.url;
    this.start = Date.now();
    this.trace = new Trace(request.headers);
    this.route = ""; // the pattern of the request's route
    this.head = null; // as a text, or as its bytes
    this.call = null; // that the guest worked on
    this.body = request.body === null ? null : new Body(request);
  }

  // fail returns an error of the glue itself.
  fail(message, status) {
    return failure(this.url, message, this.trace, status);
  }

  // end notes that response is sent. The log has a line of each request that may change something or that
  // failed: a line costs half of a small request. It leaves out the query, which may hold a ticket.
  end(response) {
    const { trace, call, env, method } = this;
    const { status } = response;
    const now = Date.now();
    const millis = now - this.start;
    countRequest(status, now);
    if (call !== null) {
      const memory = call.guest?.memory.buffer.byteLength ?? 0; // none if it did not boot
      requestPoint(env, { route: this.route, method, status, seconds: millis / 1000, memory }, call.counts);
    }
    if (status >= 400 || !READS.has(method)) info("request", { method, path: pathOf(this.url), status, duration_ms: millis, ...trace.fields });
    return response;
  }
}
