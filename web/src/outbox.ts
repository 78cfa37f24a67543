/** What the user said or asked for and what is not known to be in the conversation yet. Pure. */

import type { ClientFrame, Problem } from "./frames";

/** Lives in memory only. */
export interface Outgoing {
  readonly id: string;
  readonly cid: string;
  /** The message that this says anew (with text), or whose answer is wanted anew (without). */
  readonly of: string | null;
  readonly text: string | null;
  readonly created_at: string;
  /** unsaved: accepted while the database is away. failed: refused for good, `note` says why. */
  readonly status: "sending" | "unsaved" | "failed";
  readonly message_id: string | null;
  /** Why it was not taken, or not yet. */
  readonly note: string | null;
}

export type Outbox = readonly Outgoing[];

/** What may be heard while one waits; other reasons come in the server's words. */
const PATIENCE: Readonly<Record<string, string>> = {
  rate_limited: "Sending in a moment…",
  out_of_order: "Sending in a moment…",
  busy: "Waiting until CJ has finished…",
};

export function outgoing(
  said: Pick<Outgoing, "id" | "cid" | "of" | "text" | "created_at">,
): Outgoing {
  return { ...said, status: "sending", message_id: null, note: null };
}

export function isRetry({ of }: Outgoing): boolean {
  return of !== null;
}

export function amend(outbox: Outbox, id: string, change: Partial<Outgoing>): Outbox {
  return outbox.map((one) => (one.id === id ? { ...one, ...change } : one));
}

/** As the server's refusal leaves it. */
export function refused(said: Outgoing, { code, message, retryable }: Problem): Outgoing {
  // A change waits for nothing long: what is said meanwhile would have to wait behind it.
  const forNow = retryable && !(isRetry(said) && code === "storage_degraded");
  return forNow
    ? { ...said, note: PATIENCE[code] ?? message }
    : { ...said, status: "failed", note: message };
}

/** The frame that says it. */
export function frameOf(outbox: Outbox, said: Outgoing): ClientFrame {
  const { id, cid, of, text } = said;
  if (of !== null) return { type: "retry", id, cid, of, ...(text === null ? {} : { text }) };
  const prev = prevOf(outbox, said);
  return { type: "message", id, cid, text: text ?? "", ...(prev === null ? {} : { prev }) };
}

/** The message before this one, while the server may not have it for good: it keeps the order. */
export function prevOf(outbox: Outbox, said: Outgoing): string | null {
  return before(outbox, said).at(-1)?.id ?? null;
}

/**
 * May it be sent, as far as those before it go? Messages follow each other at once, unless one was
 * told to wait. A retry goes alone: everything between its message and itself is put away.
 */
export function mayGo(outbox: Outbox, said: Outgoing, waits: (one: Outgoing) => boolean): boolean {
  return before(outbox, said).every(
    (one) => !isRetry(said) && !isRetry(one) && (one.note === null || !waits(one)),
  );
}

function before(outbox: Outbox, said: Outgoing): Outbox {
  return outbox
    .slice(0, outbox.indexOf(said))
    .filter(({ cid, status }) => cid === said.cid && status !== "failed");
}
