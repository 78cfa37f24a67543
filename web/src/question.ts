/** What a connection asks when it looks at a conversation. Pure. */

import type { ClientFrame } from "./frames";
import { awaiting } from "./state";
import type { State } from "./state";
import { heldThrough } from "./transcript";

/**
 * `start` to open a conversation, or to come back to one; `resume` in the middle of a turn, from
 * the chunk that is missing here. Null when there is nothing to look at.
 */
export function question(state: State, id: string): ClientFrame | null {
  const { cid, opening, live } = state;
  if (opening !== null) return { type: "start", id, ...(cid === null ? {} : { cid }) };
  if (cid === null) return null;
  const after_seq = heldThrough(state.transcript);
  if (!awaiting(state)) return { type: "start", id, cid, after_seq };
  // Of a turn that has not spoken there is nothing to go on from.
  const held = live !== null && live.gen > 0;
  const from = held ? { turn: live.turn, gen: live.gen, i: live.next } : {};
  return { type: "resume", id, cid, after_seq, ...from };
}
