/** An answer in the making, put together from chunks that may come twice, late or not at all. Pure. */

import type { Delta, Done, RunningTurn, Tool } from "./frames";

/** `text` holds the chunks before `next`, `ahead` those after a gap. */
export interface Live {
  readonly turn: string;
  /** 0 until the first word of the turn: only that there is one is known. */
  readonly gen: number;
  readonly next: number;
  readonly text: string;
  readonly ahead: Readonly<Record<number, string>>;
  /** Where in `text` each chunk begins, as far as that is known. */
  readonly starts: readonly number[];
  readonly tools: readonly ToolCall[];
  /** What is missing cannot be had any more: the finished answer will bring it. */
  readonly lost: boolean;
}

interface ToolCall {
  readonly call: string;
  readonly name: string;
  readonly status: Tool["status"];
}

/** A turn of which nothing was heard yet. */
export function unheard(turn: string, gen = 0): Live {
  return { turn, gen, next: 0, text: "", ahead: {}, starts: [0], tools: [], lost: false };
}

export function liveFrom(turn: RunningTurn): Live {
  const live = unheard(turn.id, turn.gen);
  const goneBefore = (turn.from ?? 0) > 0 || (turn.i > 0 && turn.text === "");
  return goneBefore ? { ...live, lost: true } : told(live, 0, turn);
}

/** With one more chunk. A higher attempt starts the text anew, a lower one is not listened to. */
export function heard(before: Live | null, { turn, gen, i, text }: Delta): Live {
  const live = attempt(before, turn, gen);
  if (live.gen > gen || i < live.next) return live;
  return absorb({ ...live, ahead: { ...live.ahead, [i]: text } });
}

/** With a look into something, begun or ended. */
export function looked(before: Live | null, { turn, gen, call, name, status }: Tool): Live {
  const live = attempt(before, turn, gen);
  const known = live.tools.find((one) => one.call === call);
  if (live.gen > gen || (known !== undefined && known.status !== "started")) return live;
  const rest = live.tools.filter((one) => one !== known);
  return { ...live, tools: [...rest, { call, name, status }] };
}

/** The tool CJ is using at this moment, or null. */
export function toolOf(live: Live | null): string | null {
  return live?.tools.findLast(({ status }) => status === "started")?.name ?? null;
}

/** Could CJ not see something it wanted to see? */
export function missedSomething(live: Live | null): boolean {
  return live?.tools.some(({ status }) => status === "error") ?? false;
}

function attempt(before: Live | null, turn: string, gen: number): Live {
  return before?.turn === turn && before.gen >= gen ? before : unheard(turn, gen);
}

/** With what the server says this turn has told so far. */
export function caughtUp(live: Live | null, turn: RunningTurn, recovered = true): Live {
  if (live?.turn !== turn.id || turn.gen > live.gen) {
    return recovered ? liveFrom(turn) : { ...unheard(turn.id, turn.gen), lost: true };
  }
  if (turn.gen < live.gen) return live;
  return recovered ? continued(live, turn) : { ...live, lost: true };
}

function continued(live: Live, turn: RunningTurn): Live {
  const begins = live.starts[turn.from ?? 0];
  return turn.i <= live.next || begins === undefined ? live : told(live, begins, turn);
}

/** Is a chunk missing that the server may still have? */
export function hasGap(live: Live | null): boolean {
  return live !== null && !live.lost && Object.keys(live.ahead).length > 0;
}

/** Is this the whole answer, from the attempt that was committed? */
export function isWhole(live: Live | null, { turn, gen, n, status }: Done): boolean {
  if (n === 0) return status === "stopped"; // before a word was said
  return live?.turn === turn && live.gen === gen && live.next === n;
}

/** The chunks that the server has put together, in their place at `begins`. */
function told(live: Live, begins: number, { i, text: piece }: RunningTurn): Live {
  const text = live.text.slice(0, begins) + piece;
  const starts = marked(live.starts, i, text.length);
  return absorb({ ...live, text, next: i, starts, lost: false });
}

/** Chunks that came early join the text when their turn comes. */
function absorb(live: Live): Live {
  let { next, text, starts } = live;
  for (let piece = live.ahead[next]; piece !== undefined; piece = live.ahead[next]) {
    text += piece;
    next += 1;
    starts = marked(starts, next, text.length);
  }
  const left = Object.entries(live.ahead).filter(([i]) => Number(i) >= next);
  return { ...live, next, text, starts, ahead: Object.fromEntries(left) };
}

function marked(starts: readonly number[], i: number, at: number): number[] {
  const marks = starts.slice(0, i);
  marks[i] = at;
  return marks;
}
