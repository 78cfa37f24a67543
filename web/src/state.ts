/** What the page knows, what the user can do, and what follows from it. Pure. */

import type { Message } from "./frames";
import { hasGap } from "./live";
import type { Live } from "./live";
import type { Outbox, Outgoing } from "./outbox";
import { isRetry } from "./outbox";
import * as transcript from "./transcript";
import type { Transcript } from "./transcript";
import * as unsaved from "./unsaved";
import type { Kept } from "./unsaved";

/** The workflow of a conversation that begins with what CJ saw of a store. */
const GREETING = "shopify_post_auth";

export interface State {
  /** Who is signed in; null: nobody whom CJ would know in another browser. */
  readonly user: string | null;
  /** The store whose owner that is, connected or not. */
  readonly store: string | null;
  /** The store that is connected; undefined: nobody could say yet. */
  readonly shop: string | null | undefined;
  /** null: a new conversation whose id the server has not given yet, or none that can be opened. */
  readonly cid: string | null;
  /** The id of the `start` whose `ready` opens the conversation; null once it is open. */
  readonly opening: string | null;
  /** What the open conversation is for. */
  readonly workflow: string | null;
  readonly transcript: Transcript;
  /** What was there when the conversation was opened is not news. */
  readonly newsAfter: number;
  readonly unsaved: readonly Kept[];
  readonly outbox: Outbox;
  readonly live: Live | null;
  /** Turns that are over: a worker that did not notice may still speak, unheard. */
  readonly over: readonly string[];
  readonly stop: Stop | null;
  /** The stores that CJ has to do without. */
  readonly degraded: readonly string[];
  readonly textLimit: number;
  readonly notice: Notice | null;
}

/** The wish that CJ be silent; `turn` is null until it is known which one runs. */
export interface Stop {
  readonly id: string;
  readonly turn: string | null;
}

export interface Notice {
  readonly code: string;
  readonly text: string;
}

export type Act =
  | { readonly type: "met"; readonly user: string | null; readonly store: string | null }
  | { readonly type: "open"; readonly cid: string | null; readonly start: string }
  | { readonly type: "say"; readonly id: string; readonly text: string; readonly at: string }
  | {
      readonly type: "retry";
      readonly id: string;
      readonly of: string;
      readonly text: string | null;
      readonly at: string;
    }
  | { readonly type: "discard"; readonly id: string }
  | { readonly type: "stop"; readonly id: string }
  | { readonly type: "earlier" }
  | { readonly type: "dismiss" };

export const INITIAL: State = {
  user: null,
  store: null,
  shop: undefined,
  cid: null,
  opening: null,
  workflow: null,
  transcript: transcript.EMPTY,
  newsAfter: 0,
  unsaved: [],
  outbox: [],
  live: null,
  over: [],
  stop: null,
  degraded: [],
  textLimit: 8_000,
  notice: null,
};

/** With no conversation at all; what waits to be sent, to whichever, goes on waiting. */
export function closed({ user, store, shop, outbox, degraded, textLimit }: State): State {
  return { ...INITIAL, user, store, shop, outbox, degraded, textLimit };
}

/** A store was connected: CJ has the first word here, and has not said it yet. */
export function greets({ workflow, transcript: held, unsaved: kept, degraded }: State): boolean {
  if (workflow !== GREETING || degraded.includes("postgres")) return false;
  return kept.length === 0 && transcript.shown(held).length === 0;
}

/** CJ is at work on an answer, as far as is known here. */
export function awaiting(state: State): boolean {
  const { live, transcript: held, unsaved: kept } = state;
  if (live !== null || unsaved.awaitsAnswer(kept) || greets(state)) return true;
  const answered = unsaved.answeredHere(kept);
  return transcript.unanswered(held).some(({ client_id: id }) => id == null || !answered.has(id));
}

/** Is something missing here that the server may have? */
export function lacks({ transcript: held, live, unsaved: kept }: State): boolean {
  return transcript.hasHole(held) || hasGap(live) || kept.some(({ partial }) => partial === true);
}

/** PostgreSQL is away, and nothing that was said can be changed. */
export function forgetful({ degraded, unsaved: kept }: State): boolean {
  return degraded.includes("postgres") || kept.length > 0;
}

/** What is to be said or answered anew, by the message it is about. */
export function retries({ outbox, cid }: State): ReadonlyMap<string, Outgoing> {
  const mine = outbox.filter((one) => one.cid === cid && isRetry(one));
  return new Map(mine.map((one) => [one.of ?? "", one]));
}

/** What was said here and has no place among the messages, not even for now. */
export function waiting(state: State): Outbox {
  const { outbox, cid, unsaved: kept } = state;
  const rows = new Set(transcript.shown(state.transcript).map(({ id }) => id));
  const listed = new Set(kept.map(({ client_id: id }) => id));
  return outbox.filter(
    (one) => one.cid === cid && !listed.has(one.id) && (one.of === null || !rows.has(one.of)),
  );
}

/** The answer that can be made anew: CJ's newest, once nothing else is on its way. */
export function retryable(state: State): Message | null {
  if (awaiting(state) || forgetful(state)) return null;
  if (state.outbox.some(({ cid, status }) => cid === state.cid && status !== "failed")) return null;
  const rows = transcript.shown(state.transcript);
  return rows.findLast(transcript.isAnswer) ?? null;
}
