/** An answer in the making, put together from chunks that may come twice, late or not at all. Pure. */

import type { Delta, Done, RunningTurn } from "./frames";

/** `text` holds the chunks before `next`, `ahead` those after a gap. */
export interface Live {
  readonly turn: string;
  readonly gen: number;
  readonly next: number;
  readonly text: string;
  readonly ahead: Readonly<Record<number, string>>;
}

export function liveFrom({ id, gen, i, text }: RunningTurn): Live {
  return { turn: id, gen, next: i, text, ahead: {} };
}

/** With one more chunk. A higher attempt starts the text anew, a lower one is not listened to. */
export function heard(before: Live | null, { turn, gen, i, text }: Delta): Live {
  const live = before?.turn === turn ? before : null;
  if (live !== null && gen < live.gen) return live;
  const base = live?.gen === gen ? live : liveFrom({ id: turn, gen, i: 0, text: "" });
  if (i < base.next) return base;
  return absorb({ ...base, ahead: { ...base.ahead, [i]: text } });
}

/** With what the server says this turn has told so far. */
export function caughtUp(live: Live | null, turn: RunningTurn): Live {
  if (live?.turn !== turn.id || turn.gen > live.gen) return liveFrom(turn);
  const behind = turn.gen === live.gen && turn.i > live.next;
  return behind ? absorb({ ...live, text: turn.text, next: turn.i }) : live;
}

/** Is this the whole answer, from the attempt that was committed? */
export function isWhole(live: Live | null, { turn, gen, n }: Done): live is Live {
  return live?.turn === turn && live.gen === gen && live.next === n;
}

/** Chunks that came early join the text when their turn comes. */
function absorb(live: Live): Live {
  let { next, text } = live;
  for (let piece = live.ahead[next]; piece !== undefined; piece = live.ahead[next]) {
    text += piece;
    next += 1;
  }
  const left = Object.entries(live.ahead).filter(([i]) => Number(i) >= next);
  return { ...live, next, text, ahead: Object.fromEntries(left) };
}
