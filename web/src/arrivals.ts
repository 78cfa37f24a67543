/** How what was said gets from the outbox into its place in the conversation. Pure. */

import type { Ack, Committed, Message } from "./frames";
import { amend } from "./outbox";
import type { Outgoing } from "./outbox";
import type { State } from "./state";
import * as transcript from "./transcript";
import { withTurn } from "./turns";
import * as unsaved from "./unsaved";
import type { Kept } from "./unsaved";

export function onAck(state: State, ack: Ack): State {
  const { cid, message_id, seq } = ack;
  const said = state.outbox.find(({ id }) => id === ack.re);
  if (said === undefined) return state;
  const next = cid === state.cid ? withTurn(state, ack.turn ?? null) : state;
  if (seq === null || !ack.durable) return accepted(withoutPostgres(next), { ...said, message_id });
  // That something arrived long ago says nothing about the database of today.
  return delivered(ack.dup ? next : withPostgres(next), { ...said, message_id }, seq);
}

/** It has its place after what was accepted before it, and is offered again until it is saved. */
function accepted(state: State, said: Outgoing): State {
  const { id, cid, message_id } = said;
  const change = { status: "unsaved", message_id, note: null } as const;
  const next = { ...state, outbox: amend(state.outbox, id, change) };
  const known = cid !== state.cid || state.unsaved.some((one) => one.client_id === id);
  return known ? next : tidy({ ...next, unsaved: [...state.unsaved, keptOf(said)] });
}

/** In PostgreSQL: it leaves the outbox and stands in the conversation. */
function delivered(state: State, said: Outgoing, seq: number): State {
  const outbox = state.outbox.filter(({ id }) => id !== said.id);
  if (said.cid !== state.cid) return { ...state, outbox };
  const { messages } = state.transcript;
  const from = messages.find(({ id }) => id === said.of)?.seq;
  const row: Message = {
    ...keptOf(said),
    seq,
    ...(said.text === null ? { hidden: true } : {}),
    ...(from === undefined ? {} : { supersedes_from: from }),
  };
  return tidy({ ...state, outbox, transcript: transcript.add(state.transcript, [row]) });
}

export function onCommitted(state: State, saved: Committed): State {
  const { cid, message_id, client_id } = saved;
  const said = state.outbox.find((one) => one.id === client_id || one.message_id === message_id);
  const next = { ...state, outbox: state.outbox.filter((one) => one !== said) };
  if (cid !== state.cid) return next;
  const known = state.unsaved.find((one) => unsaved.isNamed(one, saved));
  const one = known ?? (said && keptOf({ ...said, message_id }));
  const kept = one === undefined || one === known ? state.unsaved : [...state.unsaved, one];
  return withPostgres(placed({ ...next, unsaved: kept }, one, saved));
}

/** Its row is made of it, unless that is another one: then it stands in until that one is here. */
function placed(state: State, one: Kept | undefined, { seq, replaced }: Committed): State {
  if (seq === null) return { ...state, unsaved: state.unsaved.filter((other) => other !== one) };
  const rows = transcript.heardOf(state.transcript, seq);
  if (one === undefined) return { ...state, transcript: rows };
  if (replaced === true || one.partial === true) {
    const kept = state.unsaved.map((other) => (other === one ? { ...one, place: seq } : other));
    return tidy({ ...state, transcript: rows, unsaved: kept });
  }
  const held = transcript.holds(rows, seq) ? [] : [unsaved.rowOf(one, seq, rows)];
  return tidy({ ...state, transcript: transcript.add(rows, held) });
}

/** The rows say what of ours arrived, even when its ack or its `committed` was lost. */
export function tidy(state: State): State {
  const rows = new Set(state.transcript.messages.map(({ client_id }) => client_id));
  const buffered = new Map(state.unsaved.map(({ client_id, id }) => [client_id, id]));
  const outbox = state.outbox
    .filter(({ id }) => !rows.has(id))
    .map((said) => {
      const message_id = buffered.get(said.id);
      if (message_id === undefined || said.status !== "sending") return said;
      return { ...said, status: "unsaved" as const, message_id };
    });
  return { ...state, outbox, unsaved: unsaved.stillUnsaved(state.unsaved, state.transcript) };
}

function keptOf({ id, text, created_at, message_id }: Outgoing): Kept {
  return {
    id: message_id ?? id,
    seq: null,
    role: "user",
    text: text ?? "",
    created_at,
    status: "complete",
    client_id: id,
  };
}

export function withPostgres(state: State): State {
  const { degraded } = state;
  if (!degraded.includes("postgres")) return state;
  return { ...state, degraded: degraded.filter((store) => store !== "postgres") };
}

export function withoutPostgres(state: State): State {
  const { degraded } = state;
  return degraded.includes("postgres") ? state : { ...state, degraded: [...degraded, "postgres"] };
}
