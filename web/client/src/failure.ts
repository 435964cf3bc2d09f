// What the error of a sync says: its status, how long to wait, whether a new try helps.
import { HttpError, retryAfter } from "./server.js";

/** Returns the HTTP status of an error of tRPC or callJson(); null if there was no response. */
export function statusOf(error: unknown): number | null {
  const e = error as { status?: number; data?: { httpStatus?: number }; meta?: { response?: Response }; cause?: unknown } | null;
  if (e?.cause instanceof HttpError) return e.cause.status;
  return e?.data?.httpStatus ?? e?.status ?? e?.meta?.response?.status ?? null;
}

/** Returns the wait that the server asks for, in milliseconds; null without one. */
export function waitOf(error: unknown): number | null {
  const e = error as { retryAfterMillis?: number | null; meta?: { response?: Response }; cause?: unknown } | null;
  if (e?.cause instanceof HttpError) return e.cause.retryAfterMillis;
  return e?.retryAfterMillis ?? (e?.meta?.response ? retryAfter(e.meta.response.headers) : null);
}

/**
 * Reports whether a new try helps: there was no response, or the server failed, was busy or found a conflict. Any
 * other 4xx would be the same again.
 */
export const isTemporary = (status: number | null) => status === null || status >= 500 || [408, 409, 429].includes(status);

/** Reports whether a request took longer than it may, here or at the server. */
export function isLate(error: unknown): boolean {
  const { name, cause } = error as { name?: string; cause?: { name?: string } };
  return statusOf(error) === 408 || name === "TimeoutError" || cause?.name === "TimeoutError";
}
