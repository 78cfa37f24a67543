/** How each frame and each act of the user changes what the page knows. Pure. */

import { onAck, onCommitted, tidy, withPostgres, withoutPostgres } from "./arrivals";
import type {
  Ack,
  Committed,
  Delta,
  Done,
  Message,
  Pong,
  Problem,
  Ready,
  Said,
  ServerFrame,
  StateChange,
  Sync,
} from "./frames";
import { heard, isWhole, looked } from "./live";
import { amend, outgoing, refused } from "./outbox";
import type { Outgoing } from "./outbox";
import { closed } from "./state";
import type { Act, State } from "./state";
import * as transcript from "./transcript";
import { ended, isOver, liveAfter, withStop } from "./turns";
import * as unsaved from "./unsaved";

export function reduce(state: State, event: ServerFrame | Act): State {
  return withStop(isAct(event) ? act(state, event) : hear(state, event));
}

function isAct(event: ServerFrame | Act): event is Act {
  return ["met", "open", "say", "retry", "discard", "stop", "earlier", "dismiss"].includes(
    event.type,
  );
}

function act(state: State, event: Act): State {
  switch (event.type) {
    case "met":
      return met(state, event);
    case "open":
      return { ...closed(state), cid: event.cid, opening: event.start };
    case "say":
      return send(state, { id: event.id, of: null, text: event.text, created_at: event.at });
    case "retry":
      return send(state, { ...event, created_at: event.at });
    case "discard":
      return { ...state, outbox: state.outbox.filter(({ id }) => id !== event.id) };
    case "stop":
      return { ...state, stop: state.stop ?? { id: event.id, turn: null } };
    case "earlier":
      return { ...state, transcript: transcript.earlier(state.transcript) };
    case "dismiss":
      return { ...state, notice: null };
  }
}

/** A stranger has no store; of somebody else's nothing is known yet. */
function met(state: State, { user, store }: Extract<Act, { type: "met" }>): State {
  if (user === null) return { ...state, user, store: null, shop: null };
  const shop = user === state.user ? state.shop : undefined;
  return { ...state, user, store, shop };
}

type Sent = Pick<Outgoing, "id" | "of" | "text" | "created_at">;

function send(state: State, { id, of, text, created_at }: Sent): State {
  const { cid, outbox } = state;
  if (cid === null) return state;
  // What was refused before makes room for the next try.
  const others = outbox.filter((one) => of === null || one.of !== of || one.status !== "failed");
  return { ...state, outbox: [...others, outgoing({ id, cid, of, text, created_at })] };
}

function hear(state: State, event: ServerFrame): State {
  switch (event.type) {
    case "ready":
      return onReady(state, event);
    case "ack":
      return onAck(state, event);
    case "committed":
      return onCommitted(state, event);
    case "error":
      return onError(state, event);
    default:
      return "cid" in event && event.cid === state.cid ? onNews(state, event) : state;
  }
}

type News = Exclude<ServerFrame, Ready | Ack | Committed | Problem | Pong>;

/** News of the conversation that is open. */
function onNews(state: State, event: News): State {
  switch (event.type) {
    case "sync":
      return withPage(told(state, event), event, event.recovered);
    case "message":
      return onSaid(state, event);
    case "delta":
      return onDelta(state, event);
    case "tool":
      return isOver(state, event.turn) ? state : { ...state, live: looked(state.live, event) };
    case "done":
      return onDone(state, event);
    case "state":
      return onState(state, event);
  }
}

function onReady(before: State, ready: Ready): State {
  const { cid, messages, last_seq, limits, workflow } = ready;
  const state = withShop(before, ready);
  if (ready.re === state.opening) {
    const early = state.transcript.messages.filter(({ seq }) => seq > last_seq);
    const rows = transcript.add(transcript.opened(messages, last_seq), early);
    const open = { ...state, cid, opening: null, workflow, transcript: rows, newsAfter: last_seq };
    return withPage(told({ ...open, textLimit: limits.text }, ready), ready);
  }
  return cid === state.cid ? withPage(told(state, ready), ready) : state;
}

/** Without PostgreSQL nobody can say whose store is connected: what was known stands. */
function withShop(state: State, { connected: { shop }, degraded }: Ready): State {
  const isUnknown = shop === null && degraded.includes("postgres");
  return isUnknown || shop === state.shop ? state : { ...state, shop };
}

/** How the stores are. With both there, what is not on the list is a row, or nothing any more. */
function told(state: State, { degraded }: Ready | Sync): State {
  const kept = degraded.length === 0 ? [] : state.unsaved;
  return { ...state, unsaved: kept, degraded, notice: null };
}

/** A page of what was missed. */
function withPage(state: State, page: Ready | Sync, recovered = true): State {
  const { messages, last_seq, turn } = page;
  const fresh = messages.filter(({ seq }) => !transcript.holds(state.transcript, seq));
  const rows = transcript.heardOf(transcript.add(state.transcript, messages), last_seq);
  const kept = unsaved.arranged(state.unsaved, page.unsaved);
  const over = ended(state.over, [...messages, ...page.unsaved].filter(transcript.isAnswer));
  const next = tidy({ ...state, transcript: rows, unsaved: kept, over });
  return { ...next, live: liveAfter(next, fresh, turn ?? null, recovered) };
}

function onSaid(state: State, { message }: Said): State {
  const next = transcript.isAnswer(message) ? afterAnswer(state, message) : state;
  return message.seq === null
    ? tidy({ ...next, unsaved: unsaved.keep(state.unsaved, message) })
    : tidy({ ...next, transcript: transcript.add(state.transcript, [message]) });
}

/** An answer that was told whole ends its turn; one that names none ends whichever runs. */
function afterAnswer(state: State, { turn, seq }: Said["message"]): State {
  const { live } = state;
  const ends = turn == null ? seq !== null : turn === live?.turn;
  return { ...state, over: ended(state.over, [{ turn: turn ?? null }]), live: ends ? null : live };
}

function onDelta(state: State, delta: Delta): State {
  return isOver(state, delta.turn) ? state : { ...state, live: heard(state.live, delta) };
}

/** The streamed text becomes the answer if it is whole; if not, the hole it leaves is asked for. */
function onDone(state: State, done: Done): State {
  if (isOver(state, done.turn)) return state;
  const { live, transcript: held, unsaved: kept } = state;
  const next = {
    ...state,
    live: live?.turn === done.turn ? null : live,
    over: ended(state.over, [done]),
  };
  if (done.seq === null) {
    const answer = unsaved.answerOf(done, live);
    return tidy(withoutPostgres({ ...next, unsaved: unsaved.keep(kept, answer) }));
  }
  const whole = isWhole(live, done) && !transcript.holds(held, done.seq);
  const rows = whole
    ? transcript.add(held, [answerOf(done, done.seq, done.n === 0 ? "" : (live?.text ?? ""))])
    : transcript.heardOf(held, done.seq);
  return tidy(withPostgres({ ...next, transcript: rows }));
}

function answerOf(done: Done, seq: number, text: string): Message {
  const { message_id: id, created_at, status, turn, model, answers_from, answers_through } = done;
  const sources = done.sources ?? null;
  return {
    id,
    seq,
    role: "assistant",
    text,
    created_at,
    status,
    turn,
    model: model ?? null,
    answers_from: answers_from ?? null,
    answers_through: answers_through ?? null,
    sources,
  };
}

function onState(state: State, { what, data }: StateChange): State {
  if (what !== "superseded") return state;
  return { ...state, transcript: transcript.supersede(state.transcript, data as transcript.Span) };
}

function onError(state: State, problem: Problem): State {
  const { re, cid, code, message, retryable } = problem;
  const said = state.outbox.find(({ id }) => id === re);
  if (said !== undefined) {
    return { ...state, outbox: amend(state.outbox, said.id, refused(said, problem)) };
  }
  if (!isHeard(state, problem)) return state;
  const failed = re !== undefined && re === state.opening && !retryable;
  const gone = cid !== undefined && code === "not_found";
  const notice = { code, text: message };
  return failed || gone ? { ...closed(state), notice } : { ...state, notice };
}

/** Not what goes wrong elsewhere, nor with a stop: that is said again. */
function isHeard({ cid: open, stop }: State, { re, cid }: Problem): boolean {
  return (cid === undefined || cid === open) && (re === undefined || re !== stop?.id);
}
