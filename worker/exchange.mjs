// An Exchange is a request, its id, and what the log and the metrics say of it.
import { failure } from "./failure.mjs";
import { Trace, info } from "./log.mjs";
import { requestPoint } from "./metrics.mjs";

export class Exchange {
  constructor(request, env, ctx) {
    Object.assign(this, { request, env, ctx });
    this.start = Date.now();
    this.trace = new Trace(request.headers);
    this.route = ""; // the pattern of the request's route
    this.call = null; // that the guest worked on
  }

  // fail returns an error of the glue itself.
  fail(message, status) {
    return failure(this.request.url, message, this.trace, status);
  }

  // end notes that response is sent. The line of the log leaves out the query, which may hold a ticket.
  end(response) {
    const { request, trace, call, env } = this;
    const { method } = request;
    const { status } = response;
    const millis = Date.now() - this.start;
    if (call !== null) {
      const memory = call.guest?.memory.buffer.byteLength ?? 0; // none if it did not boot
      requestPoint(env, { route: this.route, method, status, seconds: millis / 1000, memory }, call.counts);
    }
    info("request", { method, path: new URL(request.url).pathname, status, duration_ms: millis, ...trace.fields });
    return response;
  }
}
