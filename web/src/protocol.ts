/** What the page knows, and how each frame and each act of the user changes it. Pure. */

import type {
  Ack,
  Committed,
  Delta,
  Done,
  Message,
  Pong,
  Problem,
  Ready,
  RunningTurn,
  Said,
  ServerFrame,
  Sync,
} from "./frames";
import { caughtUp, heard, isWhole, liveFrom } from "./live";
import type { Live } from "./live";
import * as transcript from "./transcript";
import type { Transcript } from "./transcript";

/** Something the user said that is not known to be in the conversation yet. Lives in memory only. */
export interface Outgoing {
  readonly id: string;
  readonly cid: string;
  readonly text: string;
  readonly created_at: string;
  /** unsaved: accepted while the database is away. failed: refused for good, `note` says why. */
  readonly status: "sending" | "unsaved" | "failed";
  readonly message_id: string | null;
  readonly note: string | null;
}

export interface State {
  /** null: a new conversation whose id the server has not given yet, or none that can be opened. */
  readonly cid: string | null;
  /** The id of the `start` whose `ready` opens the conversation; null once it is open. */
  readonly opening: string | null;
  readonly transcript: Transcript;
  /** What was there when the conversation was opened is not news. */
  readonly newsAfter: number;
  readonly outbox: readonly Outgoing[];
  readonly live: Live | null;
  /** Turns that are over: a worker that did not notice may still speak, unheard. */
  readonly over: readonly string[];
  readonly textLimit: number;
  readonly notice: Notice | null;
}

export interface Notice {
  readonly code: string;
  readonly text: string;
}

export type Act =
  | { readonly type: "open"; readonly cid: string | null; readonly start: string }
  | { readonly type: "say"; readonly id: string; readonly text: string; readonly at: string }
  | { readonly type: "discard"; readonly id: string }
  | { readonly type: "earlier" }
  | { readonly type: "dismiss" };

export const INITIAL: State = {
  cid: null,
  opening: null,
  transcript: transcript.EMPTY,
  newsAfter: 0,
  outbox: [],
  live: null,
  over: [],
  textLimit: 8_000,
  notice: null,
};

const TURNS_TO_REMEMBER = 20;

export function reduce(state: State, event: ServerFrame | Act): State {
  if (isAct(event)) return act(state, event);
  if (event.type === "ready") return onReady(state, event);
  if (event.type === "ack") return onAck(state, event);
  if (event.type === "error") return onError(state, event);
  return "cid" in event && event.cid === state.cid ? onNews(state, event) : state;
}

/** News of the conversation that is open. */
function onNews(state: State, event: Exclude<ServerFrame, Ready | Ack | Problem | Pong>): State {
  switch (event.type) {
    case "sync":
      return withPage(state, event);
    case "committed":
      return onCommitted(state, event);
    case "message":
      return onSaid(state, event);
    case "delta":
      return onDelta(state, event);
    case "done":
      return onDone(state, event);
    case "tool": // shown once there are tools
    case "state":
      return state;
  }
}

function isAct(event: ServerFrame | Act): event is Act {
  return ["open", "say", "discard", "earlier", "dismiss"].includes(event.type);
}

function act(state: State, event: Act): State {
  switch (event.type) {
    case "open": {
      const { outbox, textLimit } = state;
      return { ...INITIAL, outbox, textLimit, cid: event.cid, opening: event.start };
    }
    case "say":
      return say(state, event);
    case "discard":
      return { ...state, outbox: state.outbox.filter(({ id }) => id !== event.id) };
    case "earlier":
      return { ...state, transcript: transcript.earlier(state.transcript) };
    case "dismiss":
      return { ...state, notice: null };
  }
}

function say(state: State, { id, text, at }: Extract<Act, { type: "say" }>): State {
  if (state.cid === null) return state;
  const said: Outgoing = {
    id,
    cid: state.cid,
    text,
    created_at: at,
    status: "sending",
    message_id: null,
    note: null,
  };
  return { ...state, outbox: [...state.outbox, said] };
}

function onReady(state: State, ready: Ready): State {
  if (ready.re === state.opening) {
    const { messages, last_seq } = ready;
    const open: State = {
      ...state,
      cid: ready.cid,
      opening: null,
      transcript: transcript.opened(messages, last_seq),
      newsAfter: last_seq,
      live: ready.turn ? liveFrom(ready.turn) : null,
      textLimit: ready.limits.text,
      notice: null,
    };
    return withoutDelivered(open, messages);
  }
  if (ready.cid !== state.cid) return state;
  const heard = transcript.heardOf(state.transcript, ready.last_seq);
  return withPage({ ...state, transcript: heard, notice: null }, ready);
}

/** A page of what was missed. */
function withPage(state: State, { messages, turn }: Ready | Sync): State {
  const news = messages.filter(({ seq }) => !transcript.holds(state.transcript, seq));
  const next = { ...state, transcript: transcript.add(state.transcript, messages) };
  return withoutDelivered({ ...next, live: liveAfter(next, news, turn ?? null) }, messages);
}

/** What is left of the answer in the making, now that `news` came. */
function liveAfter(state: State, news: readonly Message[], turn: RunningTurn | null): Live | null {
  const { live } = state;
  if (turn === null) {
    const over = news.some(transcript.isAnswer) || !transcript.awaitsAnswer(state.transcript);
    return over ? null : live;
  }
  return state.over.includes(turn.id) ? live : caughtUp(live, turn);
}

function onAck(state: State, ack: Ack): State {
  const said = state.outbox.find(({ id }) => id === ack.re);
  if (said === undefined) return state;
  if (ack.seq !== null && ack.durable) {
    return delivered(state, { ...said, message_id: ack.message_id }, ack.seq);
  }
  return amend(state, said.id, { status: "unsaved", message_id: ack.message_id, note: null });
}

function onCommitted(state: State, { message_id, seq }: Committed): State {
  const said = state.outbox.find((one) => one.message_id === message_id);
  if (said !== undefined) return delivered(state, said, seq);
  return { ...state, transcript: transcript.heardOf(state.transcript, seq) };
}

/** In PostgreSQL: it leaves the outbox and stands in the conversation. */
function delivered(state: State, said: Outgoing, seq: number): State {
  const { id, cid, text, created_at, message_id } = said;
  const outbox = state.outbox.filter((one) => one.id !== id);
  if (cid !== state.cid) return { ...state, outbox };
  const row: Message = {
    id: message_id ?? id,
    seq,
    role: "user",
    text,
    created_at,
    status: "complete",
    client_id: id,
  };
  return { ...state, outbox, transcript: transcript.add(state.transcript, [row]) };
}

function onSaid(state: State, { message }: Said): State {
  const next = { ...state, transcript: transcript.add(state.transcript, [message]) };
  const live = transcript.isAnswer(message) ? null : state.live;
  return withoutDelivered({ ...next, live }, [message]);
}

/** The rows say which of our own messages arrived, even when their acks were lost. */
function withoutDelivered(state: State, rows: readonly Message[]): State {
  const arrived = new Set(rows.map(({ client_id }) => client_id));
  return { ...state, outbox: state.outbox.filter(({ id }) => !arrived.has(id)) };
}

function onDelta(state: State, delta: Delta): State {
  return state.over.includes(delta.turn) ? state : { ...state, live: heard(state.live, delta) };
}

/** The streamed text becomes the answer if it is whole; if not, the hole it leaves is asked for. */
function onDone(state: State, done: Done): State {
  // An answer that is not saved yet stays readable until `committed` gives it a place.
  if (done.seq === null || state.over.includes(done.turn)) return state;
  const { live, transcript: held } = state;
  const after =
    isWhole(live, done) && !transcript.holds(held, done.seq)
      ? transcript.add(held, [answerOf(done, done.seq, live.text)])
      : transcript.heardOf(held, done.seq);
  return {
    ...state,
    transcript: after,
    live: live?.turn === done.turn ? null : live,
    over: [...state.over, done.turn].slice(-TURNS_TO_REMEMBER),
  };
}

function answerOf(done: Done, seq: number, text: string): Message {
  const { message_id: id, created_at, status, model, answers_from, answers_through } = done;
  return {
    id,
    seq,
    role: "assistant",
    text,
    created_at,
    status,
    model: model ?? null,
    answers_from: answers_from ?? null,
    answers_through: answers_through ?? null,
  };
}

function onError(state: State, { re, cid, code, message, retryable }: Problem): State {
  const said = state.outbox.find(({ id }) => id === re);
  if (said !== undefined) {
    const status = retryable ? said.status : "failed";
    return amend(state, said.id, { status, note: message });
  }
  if (cid !== undefined && cid !== state.cid) return state;
  const notice = { code, text: message };
  const lost = re !== undefined && re === state.opening && !retryable;
  return lost ? { ...state, notice, cid: null, opening: null } : { ...state, notice };
}

function amend(state: State, id: string, change: Partial<Outgoing>): State {
  const outbox = state.outbox.map((one) => (one.id === id ? { ...one, ...change } : one));
  return { ...state, outbox };
}

/** The message before this one, while the server may not have it for good: it keeps the order. */
export function prevOf({ outbox }: State, said: Outgoing): string | null {
  const before = outbox.slice(0, outbox.indexOf(said));
  const prev = before.findLast(({ cid, status }) => cid === said.cid && status !== "failed");
  return prev?.id ?? null;
}

/** CJ is at work on an answer, as far as is known here. */
export function awaiting({ live, transcript: held }: State): boolean {
  return live !== null || transcript.awaitsAnswer(held);
}
