// Requests to the workbench's API.

const PATIENCE = 15_000;
const visitor = document.querySelector('meta[name="visitor"]')?.content ?? "";
const csrfToken = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** Raised when the workbench refuses a request (`status` 4xx) or does not answer it (`status` 0, 5xx, 429). */
export class ApiError extends Error {
  constructor(status, message, told = false) {
    super(message);
    this.status = status;
    this.told = told; // the message is the workbench's own
  }

  /** The same request may succeed later. */
  get mayPass() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** The workbench can be reached, and says what does not work. */
  get isTold() {
    return this.status === 503 && this.told;
  }

  get signedOut() {
    return this.status === 401 || this.status === 403;
  }
}

export const get = (path) => request(path, { method: "GET" });
export const post = (path, body) => request(path, written(body));

/** Sends a request even while the page is being closed, and ignores the answer. sendBeacon cannot send a CSRF token. */
export function postOnLeaving(path, body) {
  fetch(path, { ...written(body), credentials: "same-origin", keepalive: true }).catch(() => {});
}

const written = (body) => ({
  method: "POST",
  headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken, "X-Visitor": encodeURIComponent(visitor) },
  body: JSON.stringify(body),
});

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, {
      ...options,
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new ApiError(0, "The workbench cannot be reached.");
  }
  const document_ = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, reason(document_, response.status), typeof document_?.error === "string");
  if (document_ === null) throw new ApiError(0, "The workbench sent something unreadable.");
  return document_;
}

function reason(document_, status) {
  const told = document_?.error ?? document_?.detail;
  return typeof told === "string" ? told : `The workbench refused this (${status}).`;
}
